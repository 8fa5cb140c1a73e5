import { parseArgs } from 'node:util';

/** What the command line asks for. */
export type KeystoreOptions =
  | { readonly command: 'help' }
  | { readonly command: 'address'; readonly keystore: string; readonly passwordFile?: string }
  | {
      readonly command: 'new' | 'import';
      readonly keystore: string;
      readonly passwordFile?: string;
      readonly keyFile?: string;
    };

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

export const HELP = `usage: npm run keystore -- new|import|address FILE [options]

  new FILE       make a key, encrypt it into FILE, print its address
  import FILE    encrypt a key that you type, or that --key-file holds in hex, into FILE
  address FILE   decrypt FILE and print its address

  --password-file FILE   take the password from a private file instead of asking for it
  --key-file FILE        import: the private file with the key

FILE is a keystore of version 3 (scrypt, AES-128-CTR), mode 0600. One that exists is never overwritten.
Neither key nor password is ever taken from the command line or the environment.
`;

/** Reads the command line. @throws UsageError */
export function parseKeystoreArguments(args: readonly string[]): KeystoreOptions {
  const { values, positionals } = parse(args);
  if (values.help === true) return { command: 'help' };
  const [command, keystore, ...rest] = positionals;
  if (command !== 'new' && command !== 'import' && command !== 'address') {
    throw new UsageError('name one of: new, import, address');
  }
  if (keystore === undefined || rest.length > 0) throw new UsageError('name exactly one FILE');
  const keyFile = values['key-file'];
  if (keyFile !== undefined && command !== 'import') {
    throw new UsageError('--key-file belongs to import');
  }
  const passwordFile = values['password-file'];
  return {
    command,
    keystore,
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        'password-file': { type: 'string' },
        'key-file': { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
