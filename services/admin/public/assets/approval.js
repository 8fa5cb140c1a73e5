import { byId, fillRows, resize, show } from './dom.js';
import { formatInteger, formatUnits } from './format.js';
import { postJson } from './request.js';
import { payeeRows } from './tables.js';

/** What the dialog asks before it sends a decision, and says when it is taken. */
const DECISIONS = {
  approve: {
    question: (what) => `Approve ${what}? It is signed and paid, and nobody can take that back.`,
    done: 'approved',
  },
  reject: {
    question: (what) => `Reject ${what}? They go back to their owners, who read your reason.`,
    done: 'rejected',
  },
};

/**
 * The dialog behind "Decide about a batch": lets a large batch be paid, or gives it back, after a second look.
 * Returns what is to be called with each list of what waits.
 */
export function startDeciding(csrfToken) {
  const dialog = byId('decide-dialog');
  const select = byId('decide-batch');
  const fields = [byId('decide-name'), byId('decide-reason')];
  let waiting = [];
  /** The decision that waits for its confirmation. */
  let asked;

  /** Shows the buttons of one step: `choose`, `confirm` or `done`. */
  const step = (name, text) => {
    for (const button of dialog.querySelectorAll('button[data-step]')) {
      button.hidden = button.dataset.step !== name;
    }
    for (const field of [select, ...fields]) field.disabled = name !== 'choose';
    show('decide-text', text);
  };

  const ask = (decision) => {
    const batch = select.batches[Number(select.value)];
    // The browser says which of them is missing.
    if (batch === undefined || !fields.every((field) => field.reportValidity())) return;
    const [name, reason] = fields.map((field) => field.value);
    asked = { batchNo: batch.batchNo, decision, name, reason };
    step('confirm', DECISIONS[decision].question(labelOf(batch)));
  };

  const send = async () => {
    const { batchNo, decision } = asked;
    step('wait', 'Asking…');
    const doubt = ' Send it again: the same decision is taken once.';
    const { failure } = await postJson('/api/batches/decide', csrfToken, asked, doubt);
    if (failure !== undefined) return step('choose', failure);
    step('done', `Batch ${formatInteger(batchNo)} is ${DECISIONS[decision].done}.`);
  };

  byId('decide').addEventListener('click', () => {
    resize(select, 'option', waiting.length).forEach((option, at) => {
      option.value = String(at);
      option.textContent = labelOf(waiting[at]);
    });
    select.batches = waiting;
    // A reason is for one batch; who decides stays.
    byId('decide-reason').value = '';
    step('choose', '');
    dialog.showModal();
    void showPayees(select);
  });
  select.addEventListener('change', () => void showPayees(select));
  byId('decide-approve').addEventListener('click', () => ask('approve'));
  byId('decide-reject').addEventListener('click', () => ask('reject'));
  byId('decide-back').addEventListener('click', () => step('choose', ''));
  byId('decide-confirm').addEventListener('click', () => void send());
  byId('decide-close').addEventListener('click', () => dialog.close());

  return (undecided) => {
    waiting = undecided;
    byId('decide').hidden = waiting.length === 0;
  };
}

function labelOf({ batchNo, payouts, totalUnits }) {
  const amount = `${formatUnits(totalUnits)} BTTOLD to ${formatInteger(payouts)}`;
  return `batch ${formatInteger(batchNo)}: ${amount} ${payouts === 1 ? 'payee' : 'payees'}`;
}

/** Whom the selected batch pays, as settlement has it. */
async function showPayees(select) {
  const { batchNo } = select.batches[Number(select.value)];
  const fill = (payees, none) => fillRows(byId('decide-payees'), payeeRows(payees), none);
  fill([], 'asking…');
  const answer = await fetch(`/api/batches/${batchNo}/payees`)
    .then((response) => response.json())
    .catch(() => ({ detail: 'the dashboard did not answer' }));
  // Another batch may have been selected meanwhile.
  if (select.batches[Number(select.value)]?.batchNo !== batchNo) return;
  fill(answer.payees ?? [], `cannot be read now: ${answer.detail}`);
}
