import { byId, resize, show } from './dom.js';
import { formatAsset, formatUnits, shorten } from './format.js';
import { postJson } from './request.js';

/**
 * The dialog behind "Resolve a deposit": credits one that waits to an account, or dismisses it. Returns what is
 * to be called with each list of what waits.
 */
export function startResolving(csrfToken) {
  const dialog = byId('resolve-dialog');
  const select = byId('resolve-deposit');
  let waiting = [];
  // One decision has one id, so that sending it again takes it once.
  let resolutionId = '';

  byId('resolve').addEventListener('click', () => {
    resolutionId = newId();
    resize(select, 'option', waiting.length).forEach((option, at) => {
      option.value = String(at);
      option.textContent = labelOf(waiting[at]);
    });
    select.deposits = waiting;
    show('resolve-text', '');
    dialog.showModal();
  });
  byId('resolve-close').addEventListener('click', () => dialog.close());

  const send = async (decision) => {
    const deposit = select.deposits[Number(select.value)];
    if (deposit === undefined) return;
    show('resolve-text', 'Asking…');
    const { id: txid, index } = deposit;
    const reason = byId('resolve-reason').value;
    const answer = await post(csrfToken, { resolutionId, txid, index, reason, ...decision });
    show('resolve-text', answer);
  };
  byId('resolve-credit').addEventListener('click', () =>
    send({ creditAccount: byId('resolve-account').value.trim() }),
  );
  byId('resolve-dismiss').addEventListener('click', () => send({ dismiss: true }));
  for (const field of dialog.querySelectorAll('select, input')) {
    field.addEventListener('change', () => {
      resolutionId = newId();
    });
  }

  return (held) => {
    waiting = held.filter(({ kind }) => kind === 'deposit');
    byId('resolve').hidden = waiting.length === 0;
  };
}

function labelOf({ id, index, state, units, asset, account }) {
  const amount = `${formatUnits(units)} ${formatAsset(asset)}`;
  return `${state}: ${amount} from ${shorten(account)}, ${shorten(id)}:${index}`;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function post(csrfToken, body) {
  const doubt = ' Send it again: the same decision is taken once.';
  const { failure, state, note } = await postJson('/api/deposits/resolve', csrfToken, body, doubt);
  if (failure !== undefined) return failure;
  return note === '' ? `It is ${state}.` : `It is ${state}: ${note}`;
}
