import { defineConfig } from 'vitest/config';

// Three tiers by suffix: .spec (no I/O), .int.spec (real Postgres, Kafka, chain), .e2e.spec (whole system).
const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'module', 'default'] } },
};
const exclude = ['**/node_modules/**', 'dist/**'];

export default defineConfig({
  ...shared,
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['{libs,services,deploy,contracts,scripts,test}/**/*.spec.ts'],
          exclude: [...exclude, '**/*.int.spec.ts', '**/*.e2e.spec.ts'],
          // Speed is no test's business: a busy machine must not turn a slow step into a failure.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // There are more files than seconds: threads start faster than processes, and without a world of
          // its own for each file every module is loaded once a thread. So no unit test may leave a mark on
          // a module or a global.
          pool: 'threads',
          isolate: false,
          maxWorkers: '100%',
        },
      },
      {
        ...shared,
        test: {
          name: 'int',
          include: ['{libs,services,deploy,contracts,test}/**/*.int.spec.ts'],
          exclude,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          globalSetup: ['libs/testing/src/global-setup.ts'],
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['{test,deploy}/**/*.e2e.spec.ts'],
          exclude,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
