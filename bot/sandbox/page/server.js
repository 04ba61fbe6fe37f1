// Talking to the server. An answer that is not a good one becomes an Error with its sentence.

export async function look(path, query = {}) {
  const answer = await fetch(`/sandbox/${path}?${new URLSearchParams(query)}`);
  return understood(answer);
}

export async function act(path, body) {
  const answer = await fetch(`/sandbox/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  return understood(answer);
}

async function understood(answer) {
  const body = await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body;
  const wrong = new Error(body?.error ?? `${answer.status} ${answer.statusText}`);
  wrong.status = answer.status;
  throw wrong;
}
