/** A snapshot comes every second; after this long without one the page is stale. */
const STALE_MS = 3_500;
const REOPEN_MS = 1_000;

/**
 * Follows the stream of snapshots. `onSnapshot` gets each one, `onState` one of `live` and `stale`;
 * `onSignedOut` is called when the session has ended. The browser reconnects by itself after a broken
 * connection; after an answer that is no stream we do.
 */
export function follow({ onSnapshot, onState, onSignedOut }) {
  let source;
  let newestAt = 0;
  let over = false;

  const open = () => {
    source = new EventSource('/api/stream');
    source.addEventListener('snapshot', (event) => {
      newestAt = Date.now();
      onState('live');
      onSnapshot(JSON.parse(event.data));
    });
    source.addEventListener('bye', () => void recheck());
    source.addEventListener('error', () => {
      onState('stale');
      if (source.readyState === EventSource.CLOSED) void recheck();
    });
  };

  const recheck = async () => {
    source.close();
    onState('stale');
    if (over) return;
    const status = await fetch('/api/session').then(
      (response) => response.status,
      () => 0,
    );
    if (status === 401) {
      over = true;
      onSignedOut();
    } else setTimeout(open, REOPEN_MS);
  };

  setInterval(() => {
    if (Date.now() - newestAt > STALE_MS) onState('stale');
  }, 500);
  open();
}
