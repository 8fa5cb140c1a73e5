// Import direction, machine-checked. The table in ARCHITECTURE.md ("Who may import whom") says the same in words.
const allow = {
  domain: [],
  config: [],
  contracts: ['domain'],
  crypto: ['domain'],
  observability: ['config'],
  failpoints: [],
  database: ['domain', 'config', 'observability'],
  jobs: ['observability'],
  kafka: ['config', 'observability'],
  grpc: ['domain', 'contracts', 'config', 'observability'],
  tron: ['domain', 'config', 'observability'],
  devchain: ['config', 'observability'],
  client: ['domain', 'contracts', 'crypto'],
};
const libRule = ([lib, libs]) => ({
  name: `lib-${lib}`,
  severity: 'error',
  comment: `libs/${lib} may import ${libs.length ? libs.join(', ') : 'nothing of ours'}`,
  from: { path: `^libs/${lib}/`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^(libs|services|deploy|test)/', pathNot: `^libs/(${[lib, ...libs].join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(allow).map(libRule),
    {
      name: 'libs-never-import-services',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/testing/' },
      to: { path: '^(services|deploy|test)/' },
    },
    {
      name: 'no-service-imports-another',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    },
    {
      name: 'pure-domain',
      severity: 'error',
      comment: 'domain code takes time, chance and I/O as values',
      from: { path: '(^libs/domain/|/src/domain/)', pathNot: '\\.spec\\.ts$' },
      to: {
        pathNot: ['^libs/domain/', '/src/domain/', '^node_modules/@noble/hashes/'],
      },
    },
    {
      name: 'sql-only-in-repositories',
      severity: 'error',
      from: {
        path: '^(services|libs)/',
        pathNot: ['^libs/(database|testing)/', '\\.repository\\.ts$', '\\.spec\\.ts$'],
      },
      to: { path: '^node_modules/(drizzle-orm|postgres)/' },
    },
    {
      name: 'tronweb-only-in-libs-tron',
      severity: 'error',
      from: {
        path: '^(services|libs)/',
        pathNot: ['^libs/(tron|devchain|testing)/', '\\.spec\\.ts$'],
      },
      to: { path: '^node_modules/tronweb/' },
    },
    {
      name: 'testing-only-from-tests',
      severity: 'error',
      from: { path: '^(services|libs)/', pathNot: ['^libs/testing/', '\\.spec\\.ts$', '/test/'] },
      to: { path: '^libs/testing/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^dist/|/generated/)' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
