import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

// X.509 in its smallest form, so that tests need no tool: DER by hand, keys and signatures by Node.

/** A certificate and its private key, in PEM. */
export type Certificate = { readonly certificate: string; readonly key: string };
/** A certificate that may sign others. */
export type Authority = Certificate & { readonly name: string; readonly privateKey: KeyObject };

const DAY_MS = 86_400_000;
const der = (tag: number, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Uint8Array.of(tag, ...head), body]);
};
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const text = (value: string) => der(0x0c, Buffer.from(value));
const time = (ms: number) =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
const TRUE = Uint8Array.of(0x01, 0x01, 0xff);
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const nameOf = (commonName: string) =>
  sequence(der(0x31, sequence(oid('550403'), text(commonName))));
const pem = (bytes: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

type Wanted = { readonly name: string; readonly isAuthority: boolean; readonly untilMs: number };

function issue({ name, isAuthority, untilMs }: Wanted, issuer?: Authority): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const critical = (id: string, value: Uint8Array) => sequence(oid(id), TRUE, der(0x04, value));
  const plain = (id: string, value: Uint8Array) => sequence(oid(id), der(0x04, value));
  const extensions = isAuthority
    ? [critical('551d13', sequence(TRUE))]
    : [
        // Names: localhost and 127.0.0.1. Uses: server and client.
        plain(
          '551d11',
          sequence(der(0x82, Buffer.from('localhost')), der(0x87, Uint8Array.of(127, 0, 0, 1))),
        ),
        plain('551d25', sequence(oid('2b06010505070301'), oid('2b06010505070302'))),
      ];
  const content = sequence(
    der(0xa0, Uint8Array.of(0x02, 0x01, 0x02)),
    der(0x02, Uint8Array.of(1), randomBytes(8)),
    ECDSA_SHA256,
    nameOf(issuer?.name ?? name),
    sequence(time(untilMs - 30 * DAY_MS), time(untilMs)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', content, issuer?.privateKey ?? privateKey);
  const certificate = sequence(content, ECDSA_SHA256, der(0x03, Uint8Array.of(0), signature));
  return {
    name,
    privateKey,
    certificate: pem(certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** An authority of its own. */
export function makeAuthority(name: string): Authority {
  return issue({ name, isAuthority: true, untilMs: Date.now() + DAY_MS });
}

/** A certificate for a server on this machine or a client; expired ones ended yesterday. */
export function makeCertificate(authority: Authority, name: string, expired = false): Certificate {
  const untilMs = Date.now() + (expired ? -DAY_MS : DAY_MS);
  return issue({ name, isAuthority: false, untilMs }, authority);
}
