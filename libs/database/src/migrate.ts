import { migrate } from './migrations.js';

const url = process.env.DATABASE_URL;
if (process.argv.includes('--help') || url === undefined) {
  process.stderr.write(
    'usage: DATABASE_URL=postgres://… node migrate.js\nBrings the database to the current schema; safe to repeat.\n',
  );
  process.exit(url === undefined && !process.argv.includes('--help') ? 2 : 0);
}
await migrate(url);
process.stdout.write('database is up to date\n');
