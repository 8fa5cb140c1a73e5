import { decodeLogRecord, type LogBlock } from '#libs/contracts';
import { bundleText, type FuzzChannel, paymentText } from './payers.js';

/** Holds the voucher log against what the payers signed. Channels of other numbers are not ours. */
export class LogAudit {
  readonly complaints: string[] = [];
  /** Highest logged amount by channel. */
  readonly logged = new Map<FuzzChannel, bigint>();
  entries = 0;
  readonly #channels = new Map<bigint, FuzzChannel>();

  constructor(
    private readonly bundles: ReadonlySet<string>,
    private readonly nowMs: () => bigint,
  ) {}

  watch(channel: FuzzChannel): void {
    this.#channels.set(channel.facts.channelNo, channel);
  }

  forget(channel: FuzzChannel): void {
    this.#channels.delete(channel.facts.channelNo);
    this.logged.delete(channel);
  }

  record(record: Buffer): void {
    for (const block of decodeLogRecord(record)) this.#block(block);
  }

  #block(block: LogBlock): void {
    if (block.kind !== 'bundle') {
      const { kind, channelNo, cumulativeUnits, detail, proof } = block;
      const channel = this.#channels.get(channelNo);
      if (channel === undefined) return;
      this.entries++;
      const isSigned =
        kind !== 'finalize' &&
        channel.payments.has(paymentText(kind, cumulativeUnits, detail, proof));
      if (!isSigned) this.#complain(`${kind} ${cumulativeUnits} of ${channelNo} was not signed`);
      if (kind === 'voucher' && detail < this.nowMs() - 60_000n) this.#complain('an old voucher');
      this.#raise(channel, cumulativeUnits);
      return;
    }
    const { validUntilMs, signature, entries } = block;
    const channels = entries.map(({ channelNo }) => this.#channels.get(channelNo));
    const first = channels.find((channel) => channel !== undefined);
    if (first === undefined) return;
    this.entries++;
    if (!this.bundles.has(bundleText(validUntilMs, signature, entries))) {
      this.#complain(`bundle of ${entries.length} with ${first.facts.channelNo} was not signed`);
    }
    if (channels.some((channel) => channel?.payer !== first.payer)) {
      this.#complain('a bundle pays for another payer');
    }
    entries.forEach(({ accepted, cumulativeUnits }, at) => {
      const channel = channels[at];
      if (accepted && channel !== undefined) this.#raise(channel, cumulativeUnits);
    });
  }

  #raise(channel: FuzzChannel, units: bigint): void {
    const { facts } = channel;
    if (units <= 0n || units > facts.depositUnits) this.#complain(`${units} units were logged`);
    if (facts.state === 'closed') this.#complain(`${facts.channelNo} is closed`);
    if (units > (this.logged.get(channel) ?? 0n)) this.logged.set(channel, units);
  }

  #complain(text: string): void {
    if (this.complaints.length < 20) this.complaints.push(text);
  }
}
