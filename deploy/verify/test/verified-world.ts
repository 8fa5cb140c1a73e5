import type { SnapshotLiabilitiesResponse } from '#libs/contracts';
import type { KeyPair } from '#libs/crypto';
import { Database } from '#libs/database';
import { WITHDRAWAL_STATES } from '#libs/domain';
import { ChainWallet } from '#libs/tron';
import { withdrawalMessage } from '../../../services/balance/src/application/events.js';
import { ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';
import type { Parts } from '../../../services/settlement/src/parts.js';
import { HOT_WALLET_KEY, scan, tick, World } from '../../../services/settlement/test/world.js';
import type { Place } from '../src/audit.js';
import { type Verdict, verifyAll } from '../src/verify.js';
import { busyLedger } from './verify.kit.js';

/** A ledger in which everything has happened, settled on the local chain. */
export class VerifiedWorld {
  private constructor(
    readonly world: World,
    readonly kit: ReturnType<typeof ledgerKit>,
    /** Whoever owns the database: may change anything. */
    readonly owner: Database,
    readonly anna: KeyPair,
    /** The newest epoch; all was paid before it. */
    readonly epochNo: bigint,
  ) {}

  static async start(): Promise<VerifiedWorld> {
    const world = await World.start({ morePorts: [0, 0] });
    await world.fillReserves(1_000_000n);
    const kit = ledgerKit(world.database.url, {
      CHAIN_ID: world.place.chainId,
      VAULT_ADDRESS: world.place.vaultAddress,
    });
    const owner = new Database({
      url: world.database.url,
      applicationName: 'verify-test',
      connectionsMax: 1,
    });
    const { anna, withdrawals } = await busyLedger(kit, owner);
    await noteDeposits(owner, world.place.vaultAddress);
    const epochNo = await new Settlement(world, kit).settle(withdrawals);
    // The reserves came from the faucet; the fake books took them for deposits.
    await owner.sql`delete from settlement.deposits s where not exists (
      select from ledger.deposits d where d.txid = s.txid and d.index = s.index)`;
    const on = new VerifiedWorld(world, kit, owner, anna, epochNo);
    await on.recount();
    return on;
  }

  async stop(): Promise<void> {
    await Promise.all([this.kit.database.close(), this.owner.close()]);
    await this.world.stop();
  }

  get place(): Place {
    const { chainId, vaultAddress: vault, trc10Id } = this.world.place;
    return { chainId: BigInt(chainId), vault, trc10Id };
  }

  /** Nobody may delete what is counted; who did it anyway has to count again. */
  async recount(): Promise<void> {
    for (const source of ['deposits', 'payouts']) {
      await this.owner.sql`update settlement.state_counts c set rows = (
        select count(*) from ${this.owner.sql(`settlement.${source}`)} d where d.state = c.state)
        where source = ${source}`;
    }
  }

  verify(): Promise<Verdict> {
    return verifyAll(this.owner, this.world.chain, this.place);
  }
}

/** Settlement's record of the ledger's deposits, which were never on the chain. */
async function noteDeposits({ sql }: Database, stranger: string): Promise<void> {
  await sql`
    insert into settlement.deposits (txid, index, asset, sender, account, base_units, units, state,
      suspense, block_number, seen_at_ms, booked_at_ms)
    select txid, index, asset, coalesce(a.address, ${stranger}),
      case when resolved_at_ms is not null then a.address end,
      units * case asset when 1 then 1e15 else 1 end, units,
      case when account_no is null then 3 else 2 end,
      account_no is null or resolved_at_ms is not null, block_number,
      credited_at_ms, credited_at_ms
    from ledger.deposits d left join ledger.accounts a using (account_no)`;
  await sql`
    insert into settlement.resolutions (resolution_id, txid, index, account, reason, operator,
      decided_at_ms)
    select txid, txid, index, account, 'asked for it', 'olga', seen_at_ms
    from settlement.deposits where account is not null`;
}

/** Has settlement pay what the real ledger lists; the fake books pass it on. */
class Settlement {
  readonly #parts: Parts;

  constructor(
    private readonly world: World,
    private readonly kit: ReturnType<typeof ledgerKit>,
  ) {
    this.#parts = world.boot({
      EPOCH_PERIOD_MS: '3600000',
      EPOCH_PAUSE_MS: '0',
      // What pays more than one of them waits for an operator.
      APPROVAL_UNITS: '3000',
    });
  }

  /** Pays these withdrawals and tells the ledger; returns the number of an epoch that was committed afterwards. */
  async settle(ids: readonly Buffer[]): Promise<bigint> {
    const { world, kit } = this;
    for (const id of ids) {
      const stored = await kit.repositories.withdrawals.find(id);
      if (stored === undefined) throw new Error('no such withdrawal');
      const pace = { periodMs: 60_000n, payoutsPerRun: 100n };
      world.books.withdrawals.set(id.toString('hex'), withdrawalMessage(stored, pace, kit.clock()));
    }
    this.#failFirst();
    const isOver = (id: Buffer) =>
      ['SOLIDIFIED', 'REFUNDED'].includes(world.books.stateOf(id.toString('hex')));
    await this.#until('all withdrawals are over', async () => {
      await this.#run();
      return ids.every(isOver);
    });
    await this.#explain();
    for (const withdrawalId of ids) await this.#tell(withdrawalId);
    while ((await kit.use.sealing.round()) > 0);
    const before = (await this.#newest()) ?? 0n;
    const isLater = async () => ((await this.#newest()) ?? 0n) > before;
    await this.#until('an epoch is committed after them', isLater);
    const newest = (await this.#newest()) ?? 0n;
    await world.kill(this.#parts);
    return newest;
  }

  /** The first batch fails as a whole and is paid as two halves; one payee of a half can never be paid. */
  #failFirst(): void {
    const { steps } = this.#parts;
    const sign = steps.sign.bind(steps);
    steps.sign = (...asked) => {
      this.world.devchain.arm({ kind: 'fail-call', result: 'OUT_OF_TIME' });
      steps.sign = sign;
      return sign(...asked);
    };
  }

  /** Plans what is due, and lets it through. */
  async #run(): Promise<void> {
    for (const { batchNo, needsApproval } of value(await this.#parts.runs.run())) {
      if (!needsApproval) continue;
      const decision = { approve: true, operator: 'olga', note: 'looked at' };
      value(await this.#parts.approvals.decide({ batchNo, ...decision }));
    }
  }

  /** The hot wallet sends what settlement has not signed, and an operator says what it was. */
  async #explain(): Promise<void> {
    const node = { url: this.world.devchain.url, timeoutMs: 5_000 };
    const sent = await new ChainWallet(node, HOT_WALLET_KEY).sendTrx(this.world.faucet.address, 1n);
    await this.world.solidify();
    await scan(this.#parts);
    const txid = Buffer.from(sent, 'hex');
    const words = { operator: 'olga', reason: 'change of wallets' };
    value(await this.#parts.explanations.explain({ txid, ...words }));
  }

  async #newest(): Promise<bigint | undefined> {
    return (await this.#parts.epochs.find(undefined))?.epochNo;
  }

  async #tell(withdrawalId: Buffer): Promise<void> {
    const [end] = await this.#parts.database.sql<
      { state: number; txid: string; failure: string }[]
    >`select report_state as state, report_txid as txid,
        case report_state when ${WITHDRAWAL_STATES.refunded} then failure else '' end as failure
      from settlement.payouts where withdrawal_id = ${withdrawalId}`;
    if (end === undefined) throw new Error('no such payout');
    value(await this.kit.use.advance.advance({ withdrawalId, note: '', ...end }));
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let round = 0; round < 300; round++) {
      if (await holds()) return;
      const pieces: SnapshotLiabilitiesResponse[] = [];
      value(await this.kit.use.liabilities.snapshot(async (piece) => void pieces.push({ piece })));
      this.world.books.liabilities = pieces;
      await this.#parts.epochDriver.round();
      await tick(this.world, this.#parts);
    }
    throw new Error(`still not so: ${what}; ${this.#parts.epochDriver.paused}`);
  }
}
