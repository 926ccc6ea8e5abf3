// One call to the gateway as a value: {ok: true, body} or {ok: false, status, code, detail, retryAfterS}.
// No answer at all is {ok: false, status: 0, code: "offline"}.

const PATIENCE_MS = 8000;

/**
 * Make one call. `token` goes into the Authorization header, never into the address. `staff`: the operator's cookie goes
 * along, with the header that says that the console itself asks.
 */
export async function send(method, path, { body, token, key, staff = false } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  if (staff) headers["X-Console"] = "1";
  try {
    const answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: staff ? "same-origin" : "omit",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const decoded = answer.status === 204 ? null : await answer.json();
    if (answer.ok) return { ok: true, status: answer.status, body: decoded };
    const retryAfterS = Number(answer.headers.get("Retry-After")) || null;
    return { ok: false, status: answer.status, code: decoded?.code ?? "unknown", detail: decoded?.detail ?? "", retryAfterS };
  } catch {
    return { ok: false, status: 0, code: "offline", detail: "", retryAfterS: null };
  }
}
