import { describe, expect, it } from 'vitest';
import { parseRole, ROLES } from './roles.js';

describe('parseRole', () => {
  it.each(Object.keys(ROLES))('takes %s', (name) => {
    expect(parseRole(name)).toBe(name);
  });

  it.each([undefined, '', 'ledger', '../admin', 'constructor', '__proto__'])(
    'refuses %s and names the roles',
    (name) => {
      const role = parseRole(name);
      expect(role).toHaveProperty('mistake');
      expect(JSON.stringify(role)).toContain('ingest, balance, auction, settlement, admin');
    },
  );
});
