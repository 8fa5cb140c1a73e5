const form = document.getElementById('login');
const field = document.getElementById('token');
const error = document.getElementById('login-error');

async function signIn(token) {
  error.textContent = '';
  const response = await fetch('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  }).catch(() => undefined);
  if (response?.ok) {
    location.replace('/');
    return;
  }
  const answer = await response?.json().catch(() => undefined);
  error.textContent = answer?.detail ?? 'The dashboard does not answer.';
  field.select();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (field.value === '') error.textContent = 'Enter the token.';
  else void signIn(field.value);
});

// A link from the launcher carries the token behind the #, which browsers never send; it leaves the
// address bar and the history before anything else happens.
async function followLink() {
  const linked = new URLSearchParams(location.hash.slice(1)).get('token');
  if (linked === null) return field.focus();
  history.replaceState(null, '', location.pathname);
  await signIn(linked);
}

window.addEventListener('hashchange', () => void followLink());
await followLink();
