import { byId, fillRows, show } from './dom.js';
import { postJson } from './request.js';
import { runRows } from './tables.js';

/** The dialog behind "Run settlement now": shows what would be paid, pays when confirmed. */
export function startSettlement(csrfToken) {
  const dialog = byId('run-dialog');
  const button = byId('run');
  const confirm = byId('run-confirm');
  button.hidden = false;

  const showBatches = (batches) => {
    byId('run-table').hidden = batches.length === 0;
    fillRows(byId('run-batches'), runRows(batches), 'none');
  };

  button.addEventListener('click', async () => {
    confirm.hidden = true;
    showBatches([]);
    show('run-text', 'Planning, nothing is paid yet…');
    dialog.showModal();
    const { batches, failure } = await run(csrfToken, true);
    if (failure !== undefined) return show('run-text', failure);
    showBatches(batches);
    confirm.hidden = batches.length === 0;
    show('run-text', batches.length === 0 ? 'Nothing is due.' : 'Dry run. This would be paid now:');
  });

  confirm.addEventListener('click', async () => {
    confirm.hidden = true;
    show('run-text', 'Running…');
    const { batches, failure } = await run(csrfToken, false);
    if (failure !== undefined) return show('run-text', failure);
    showBatches(batches);
    show('run-text', batches.length === 0 ? 'Nothing was due any more.' : 'Started:');
  });

  byId('run-close').addEventListener('click', () => dialog.close());
}

function run(csrfToken, dryRun) {
  const doubt = dryRun ? '' : ' It may have run: look at the batches before you repeat it.';
  return postJson('/api/settlement/run', csrfToken, { dryRun }, doubt);
}
