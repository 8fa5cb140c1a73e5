import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import {
  Asset,
  encodeLogRecord,
  type LogBlock,
  type LogEntry,
  type OpenChannelRequest,
} from '#libs/contracts';
import { type KeyPair, keyPairOf, sign } from '#libs/crypto';
import { Database } from '#libs/database';
import { baseUnits, channelIdOf, Digests, type Result } from '#libs/domain';
import type { InRecord } from '#libs/kafka';
import { ApplyVouchersPlainlyService } from '../src/application/apply-vouchers-plainly.service.js';
import { loadConfig } from '../src/config.js';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { createRepositories } from '../src/repositories.js';
import { createUseCases } from '../src/use-cases.js';

const VAULT = 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy';
const FAR = 86_400_000n;

/** The balance service's use cases over a real database, with a clock that tests move. */
export function ledgerKit(databaseUrl: string, env: Readonly<Record<string, string>> = {}) {
  const database = new Database({
    url: databaseUrl,
    applicationName: 'balance-test',
    connectionsMax: 12,
    role: 'swarmledger_balance',
  });
  const full = {
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: 'localhost:1',
    HTTP_PORT: '1',
    GRPC_PORT: '2',
    INTERNAL_GRPC_PORT: '3',
    INTERNAL_TOKEN_FILE: import.meta.filename,
    CHAIN_ID: '1',
    VAULT_ADDRESS: VAULT,
    TRC20_ADDRESS: 'TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj',
    TRC10_ID: '1002000',
    ...env,
  };
  const config = loadConfig(full);
  const time = { nowMs: BigInt(Date.now()) };
  const digests = new Digests({
    chainId: config.CHAIN_ID,
    vaultAddress: config.VAULT_ADDRESS,
  });
  const logger = pino({ level: 'silent' });
  const repositories = createRepositories(database);
  const clock = () => time.nowMs;
  const use = createUseCases({ config, database, repositories, clock, logger });
  const plain = new ApplyVouchersPlainlyService({ database, ...repositories, clock, logger });
  return { env: full, database, use, plain, repositories, digests, time, clock, ...actions() };

  function actions() {
    const validUntilMs = () => time.nowMs + FAR;

    async function account(
      depositUnits = 0n,
      keys: KeyPair = keyPairOf(randomBytes(32)),
    ): Promise<KeyPair> {
      const signature = Buffer.from(sign(digests.register(keys.address), keys.privateKey));
      const publicKey = Buffer.from(keys.publicKey);
      value(await use.statements.register({ publicKey, signature }));
      if (depositUnits > 0n) value(await deposit(keys.address, depositUnits));
      return keys;
    }

    function deposit(address: string, amountUnits: bigint, txid: Buffer = randomBytes(32)) {
      return use.deposits.credit({
        txid,
        index: 0,
        asset: Asset.TRC20_BTT,
        account: address,
        amountUnits,
        baseUnits: baseUnits('TRC20_BTT', amountUnits).toString(),
        blockNumber: 1n,
        suspense: false,
      });
    }

    function openRequest(
      payer: KeyPair,
      payee: string,
      depositUnits: bigint,
      salt: Buffer = randomBytes(32),
    ): OpenChannelRequest {
      const terms = {
        payer: payer.address,
        payee,
        depositUnits,
        salt,
        validUntilMs: validUntilMs(),
      };
      const signature = Buffer.from(sign(digests.openChannel(terms), payer.privateKey));
      return { ...terms, ticks: undefined, signature, signer: '' };
    }

    async function channel(
      payer: KeyPair,
      payee: string,
      depositUnits: bigint,
    ): Promise<StoredChannel> {
      return value(await use.channels.open(openRequest(payer, payee, depositUnits)));
    }

    function close(closer: KeyPair, channelId: Buffer) {
      const until = validUntilMs();
      const signature = Buffer.from(
        sign(digests.closeChannel(channelId, until), closer.privateKey),
      );
      return use.channels.close({
        channelId,
        closer: closer.address,
        validUntilMs: until,
        signature,
      });
    }

    function transfer(
      payer: KeyPair,
      payee: string,
      amountUnits: bigint,
      transferId: Buffer = randomBytes(32),
    ) {
      const message = { transferId, payee, amountUnits, validUntilMs: validUntilMs() };
      const signature = Buffer.from(sign(digests.transfer(message), payer.privateKey));
      return use.transfers.transfer({ ...message, payer: payer.address, signature });
    }

    function withdraw(
      owner: KeyPair,
      amountUnits: bigint,
      withdrawalId: Buffer = randomBytes(32),
      asset: Asset = Asset.TRC20_BTT,
      toClaim = false,
    ) {
      const message = {
        withdrawalId,
        destination: owner.address,
        amountUnits,
        validUntilMs: validUntilMs(),
      };
      const name = asset === Asset.TRC20_BTT ? 'TRC20_BTT' : 'TRC10_BTTOLD';
      const digest = digests.withdraw({ ...message, asset: name, toClaim });
      const signature = Buffer.from(sign(digest, owner.privateKey));
      const { address: account } = owner;
      return use.withdrawals.request({ ...message, asset, account, signature, toClaim });
    }

    function bid(requester: KeyPair, budgetUnits: bigint, orderId: Buffer = randomBytes(32)) {
      const terms = {
        orderId,
        swarm: Buffer.alloc(20, 7),
        slots: 1,
        priceLimitUnits: budgetUnits,
        volumeMib: 1n,
        budgetUnits,
        expiresAtMs: validUntilMs(),
      };
      const signature = Buffer.from(sign(digests.bid(terms), requester.privateKey));
      return { ...terms, requester: requester.address, signature };
    }

    async function available(keys: { address: string }): Promise<bigint> {
      const found = await repositories.accounts.find(keys.address);
      if (found === undefined) throw new Error('no such account');
      const [row] = await repositories.statements.balances([found.accountNo]);
      return row?.available ?? 0n;
    }

    return { account, deposit, openRequest, channel, close, transfer, withdraw, bid, available };
  }
}

/** The value of a result; fails the test with the reason otherwise. */
export function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${result.reason}: ${result.detail}`);
  return result.value;
}

/** The reason of a refusal; fails the test when it was accepted. */
export function reason(result: Result<unknown>): string {
  if (result.ok) throw new Error('expected a refusal');
  return result.reason;
}

/** A voucher's entry in the log. */
export function claim(channel: StoredChannel, cumulativeUnits: bigint): LogEntry {
  return {
    kind: 'voucher',
    channelNo: channel.channelNo,
    cumulativeUnits,
    detail: 1n,
    proof: createHash('sha512').update(String(cumulativeUnits)).digest(),
  };
}

/** The end of a channel in the log. */
export function finalize(channel: StoredChannel): LogEntry {
  return { ...claim(channel, 0n), kind: 'finalize', proof: new Uint8Array(0) };
}

/** A record of the log as a consumer reads it. */
export function record(offset: bigint, entries: readonly LogBlock[]): InRecord {
  return { offset, key: null, value: encodeLogRecord(entries), timestampMs: 0 };
}

/** Id of a channel that a request would open. */
export function idOf(request: OpenChannelRequest): Uint8Array {
  return channelIdOf(request.payer, request.payee, request.salt);
}
