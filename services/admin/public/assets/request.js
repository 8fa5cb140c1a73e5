/**
 * Sends a change. Returns its answer, or `{failure}` with the reason; when none came, `{failure}` says so and
 * what is in doubt.
 */
export async function postJson(path, csrfToken, body, doubt) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    return response.ok ? answer : { failure: `${answer.reason}: ${answer.detail}` };
  } catch {
    return { failure: `The dashboard did not answer.${doubt}` };
  }
}
