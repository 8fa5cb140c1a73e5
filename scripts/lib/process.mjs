import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { root } from './paths.mjs';

/** What a program's end means as an exit code, as shells count it. */
export function exitCodeOf(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}

/**
 * Runs a program with our terminal and passes signals on. Resolves to its exit code.
 * A terminal sends Ctrl-C to both of us itself, so SIGINT is passed on only elsewhere.
 */
export function runInForeground(command, args, env, stdio = 'inherit') {
  const child = spawn(command, args, { cwd: root, env, stdio });
  const forwarders = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => {
    const forward = () => {
      if (name !== 'SIGINT' || !process.stdin.isTTY) child.kill(name);
    };
    process.on(name, forward);
    return () => process.off(name, forward);
  });
  return new Promise((resolve) => {
    const end = (code) => {
      for (const remove of forwarders) remove();
      resolve(code);
    };
    child.once('error', (error) => {
      process.stderr.write(`cannot run ${command}: ${error.message}\n`);
      end(127);
    });
    child.once('exit', (code, signal) => end(exitCodeOf(code, signal)));
  });
}

/** Runs a program and keeps its output. */
export function runQuietly(command, args, env) {
  const startedAtMs = Date.now();
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    const end = (code) => resolve({ code, output, seconds: (Date.now() - startedAtMs) / 1000 });
    child.once('error', (error) => {
      output += error.message;
      end(127);
    });
    child.once('close', (code, signal) => end(exitCodeOf(code, signal)));
  });
}
