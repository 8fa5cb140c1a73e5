import postgres from 'postgres';
import { migrate } from '#libs/database';

export const TEMPLATE_DATABASE = 'swarmledger_template';

const quiet = { max: 1, onnotice: () => undefined };

/** The same server, another database. */
export function urlOfDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

export async function dropDatabase(serverUrl: string, database: string): Promise<void> {
  const sql = postgres(serverUrl, quiet);
  try {
    await sql.unsafe(`drop database if exists "${database}" with (force)`);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Migrates one database that every test file clones: a copy of files instead of all migrations. */
export async function prepareTemplate(serverUrl: string): Promise<string> {
  await dropDatabase(serverUrl, TEMPLATE_DATABASE);
  const sql = postgres(serverUrl, quiet);
  try {
    await sql.unsafe(`create database ${TEMPLATE_DATABASE}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
  await migrate(urlOfDatabase(serverUrl, TEMPLATE_DATABASE));
  return TEMPLATE_DATABASE;
}

/** A new database on the server with the given content; the caller drops it. */
export async function cloneDatabase(
  serverUrl: string,
  template: string,
  name: string,
): Promise<string> {
  const sql = postgres(serverUrl, quiet);
  try {
    await sql.unsafe(`create database "${name}" template "${template}"`);
  } finally {
    await sql.end({ timeout: 1 });
  }
  return urlOfDatabase(serverUrl, name);
}
