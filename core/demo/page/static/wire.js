// The way to the server: what is seen comes as a stream, what is done goes as one request each.

export class NoKey extends Error {}

async function answered(response) {
  if (response.status === 403) throw new NoKey();
  return response.json();
}

/** Return what does not change while one is `user`; without one, of whom one is at first. */
export const setting = async (user) => answered(await fetch(`/setting?as=${encodeURIComponent(user)}`));

/** Do something as `user`; the answer's `failed` says what went wrong. */
export async function act(name, body) {
  const headers = { "Content-Type": "application/json" };
  return answered(await fetch(`/acts/${name}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** Call `seen` with each new state, `lost(true)` when the stream breaks and `lost(false)` when it is back. */
export function live(user, seen, lost) {
  const source = new EventSource(`/live?as=${encodeURIComponent(user)}`);
  source.onmessage = (event) => {
    lost(false);
    seen(JSON.parse(event.data));
  };
  source.onerror = () => lost(true);
  return () => source.close();
}
