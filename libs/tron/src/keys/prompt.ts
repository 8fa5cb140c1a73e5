import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { KeystoreError } from './keystore.js';

/** Asks on the terminal and shows nothing of what is typed. Throws a KeystoreError without a terminal. */
export function promptSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new KeystoreError(`${question}: there is no terminal to ask on`);
  process.stderr.write(`${question}: `);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: unseen, terminal: true });
  return new Promise((resolve, reject) => {
    const end = (act: () => void) => {
      process.stderr.write('\n');
      terminal.removeAllListeners('close');
      terminal.close();
      act();
    };
    terminal.once('line', (line) => end(() => resolve(line)));
    terminal.once('SIGINT', () => end(() => reject(new KeystoreError('interrupted'))));
    terminal.once('close', () => end(() => reject(new KeystoreError('the input ended'))));
  });
}

/** The password from its file's content, less the line break at its end, or asked for. */
export async function passwordOf(fileContent: string | undefined): Promise<string> {
  if (fileContent !== undefined) return fileContent.replace(/\r?\n$/, '');
  return promptSecret('Password of the keystore');
}
