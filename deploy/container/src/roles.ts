/** What one container of the image may be, and the module that it then runs, from `dist/`. */
export const ROLES = {
  ingest: 'services/ingest/src/main.js',
  balance: 'services/balance/src/main.js',
  auction: 'services/auction/src/main.js',
  settlement: 'services/settlement/src/main.js',
  admin: 'services/admin/src/main.js',
  signer: 'services/signer/src/main.js',
  migrate: 'libs/database/src/migrate.js',
  devchain: 'libs/devchain/src/main.js',
  provision: 'deploy/provision/src/main.js',
} as const satisfies Record<string, string>;

/** Name of a role. */
export type Role = keyof typeof ROLES;

/** The role named on the command line, or a sentence for the operator. */
export function parseRole(argument: string | undefined): Role | { readonly mistake: string } {
  const names = Object.keys(ROLES).join(', ');
  if (argument === undefined) return { mistake: `no role given; name one of: ${names}` };
  if (!Object.hasOwn(ROLES, argument)) {
    return { mistake: `no role is called "${argument}"; name one of: ${names}` };
  }
  return argument as Role;
}
