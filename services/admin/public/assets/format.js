/** Text for people. Amounts arrive as decimal text, since a JavaScript number would round them. */

const UNITS_PER_BTTOLD = 1_000_000n;

/** `1234567` → `1,234,567`; exact for any length. */
export function formatInteger(value) {
  return BigInt(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Units as BTTOLD with thousands separators, e.g. `1,250.5`; exact. */
export function formatUnits(units) {
  const value = BigInt(units);
  const size = value < 0n ? -value : value;
  const fraction = (size % UNITS_PER_BTTOLD).toString().padStart(6, '0').replace(/0+$/, '');
  const whole = formatInteger(size / UNITS_PER_BTTOLD);
  return `${value < 0n ? '−' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The same amount in the ledger's own unit, for the tooltip. */
export function unitsTitle(units) {
  return `${formatInteger(units)} µBTT`;
}

/** TRX of an amount of sun, two decimals, rounded down. */
export function formatSun(sun) {
  const cents = BigInt(sun) / 10_000n;
  return `${formatInteger(cents / 100n)}.${(cents % 100n).toString().padStart(2, '0')}`;
}

/** `42 s`, `3 min`, `5 h`, `2 d`: the largest unit that fits. */
export function formatDuration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Time since an event by the server's clock. */
export function formatAge(atMs, nowMs) {
  return `${formatDuration(nowMs - Number(atMs))} ago`;
}

/** Bytes as MiB. */
export function formatBytes(bytes) {
  return `${formatInteger(Math.round(bytes / 1_048_576))} MiB`;
}

/** Part of a whole in percent with one decimal; `–` of nothing. */
export function formatShare(part, whole) {
  if (BigInt(whole) <= 0n) return '–';
  const tenths = (BigInt(part) * 1000n) / BigInt(whole);
  return `${tenths / 10n}.${tenths < 0n ? -tenths % 10n : tenths % 10n} %`;
}

/** The ends of a long hash or address. */
export function shorten(text) {
  return text.length <= 16 ? text : `${text.slice(0, 8)}…${text.slice(-6)}`;
}

/** `TRC20_BTT` → `BTT (TRC-20)`. */
export function formatAsset(asset) {
  return asset.replace(/^TRC(\d+)_(.+)$/, '$2 (TRC-$1)');
}
