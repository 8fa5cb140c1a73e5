import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS, helpText, parseLauncherArguments, UsageError } from './options.js';
import { repositoryRoot } from './root.js';

describe("the launcher's command line", () => {
  test('has defaults', () => {
    expect(parseLauncherArguments(['start'])).toEqual({
      command: 'start',
      help: false,
      dataDir: join(repositoryRoot, '.data'),
      withDemo: true,
      json: false,
      demoArguments: [],
      yes: false,
      powerLossSafe: false,
      ports: {},
      parts: undefined,
    });
  });

  test('takes a folder, ports and parts', () => {
    const args = ['start', '--data', '/x/../y', '--port', 'admin=8080', '--port', 'kafka=9092'];
    const options = parseLauncherArguments([...args, '--only', 'postgres,kafka']);
    expect(options.dataDir).toBe('/y');
    expect(options.ports).toEqual({ admin: 8080, kafka: 9092 });
    expect(options.parts).toEqual(['postgres', 'kafka']);
    expect(options.withDemo).toBe(false);
  });

  test('takes the switch for power loss where something is started', () => {
    for (const command of ['start', 'demo']) {
      expect(parseLauncherArguments([command, '--power-loss-safe']).powerLossSafe).toBe(true);
      expect(helpText(command as 'start')).toContain('--power-loss-safe');
    }
    expect(() => parseLauncherArguments(['down', '--power-loss-safe'])).toThrow(UsageError);
  });

  test('hands options of the demo on, in the form that the demo reads', () => {
    const args = ['--seed', '7', '--payments', '500', '--file-mib', '2'];
    const expected = ['--payments', '500', '--file-mib', '2', '--seed', '7'];
    for (const command of ['start', 'demo']) {
      expect(parseLauncherArguments([command, ...args]).demoArguments).toEqual(expected);
    }
  });

  test.each([
    [['start', '--fast'], "Unknown option '--fast'.*; see npm start -- --help"],
    [['demo', '--seed', 'x'], '--seed x: expected a whole number.*; see npm run demo -- --help'],
    [['demo', '--payments', '5'], '--payments 5: expected a whole number from 100'],
    [['status', '--seed', '7'], "Unknown option '--seed'.*; see npm run status -- --help"],
  ])('says of %j what is wrong and where to read more', (args, pattern) => {
    expect(() => parseLauncherArguments(args)).toThrow(UsageError);
    expect(() => parseLauncherArguments(args)).toThrow(new RegExp(pattern, 's'));
  });

  test.each([
    [[], 'the command must be one of start, demo, status, down, reset'],
    [['stop'], 'the command must be one of'],
    [['start', '--fast'], "Unknown option '--fast'"],
    [['start', 'now'], "Unexpected argument 'now'"],
    [['start', '--port', 'web=80'], 'the name must be one of postgres, kafka'],
    [['start', '--port', 'admin=0'], 'a port is a number from 1 to 65535'],
    [['start', '--port', 'admin=80x'], 'a port is a number from 1 to 65535'],
    [['start', '--port', 'admin'], 'a port is a number from 1 to 65535'],
    [['start', '--only', 'zookeeper'], '--only zookeeper: the parts are postgres'],
  ])('refuses %j', (args, message) => {
    expect(() => parseLauncherArguments(args)).toThrow(UsageError);
    expect(() => parseLauncherArguments(args)).toThrow(message);
  });

  test.each(COMMANDS)('explains %s', (command) => {
    expect(helpText(command)).toMatch(new RegExp(`^npm (run )?${command} -- `));
    expect(helpText(command)).toContain('--data DIR');
  });

  test('tells how to start without demo, on other ports and with other servers', () => {
    for (const word of [
      '--no-demo',
      '--payments',
      '--port',
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'TRON_NODE_URL',
    ]) {
      expect(helpText('start')).toContain(word);
    }
  });
});
