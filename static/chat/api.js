// Requests to our own API, with the CSRF token, and refusals in words. Knows no DOM but the cookie.

/** A request that was not done. `isLost`: nobody knows whether it arrived, so the same key may be sent again. */
export class RequestFailed extends Error {
  constructor(message, { status = 0, code = "", retryAfterS = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
    this.isLost = status === 0 || status >= 500 || status === 429;
  }
}

/** POST JSON; gives the JSON that comes back, or throws RequestFailed. */
export async function post(url, body, { key } = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  if (key) headers["Idempotency-Key"] = key;
  const response = await request(url, { method: "POST", headers, body: JSON.stringify(body) });
  return response.status === 204 ? {} : response.json();
}

/** GET; gives the response, or throws RequestFailed. */
export function get(url, accept = "application/json") {
  return request(url, { headers: { Accept: accept } });
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, { ...options, credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new RequestFailed("The server could not be reached.");
  }
  // A redirect is the way to the sign-in page.
  if (response.ok && !response.redirected) return response;
  throw await refusal(response);
}

async function refusal(response) {
  const error = (await response.json().catch(() => ({}))).error ?? {};
  const said = error.message ?? "The server could not answer.";
  const details = Object.values(error.fields ?? {}).flat().filter((detail) => !said.includes(detail));
  const message = [said, ...details].join(" ");
  const retryAfterS = Number(response.headers.get("Retry-After")) || 0;
  return new RequestFailed(message, { status: response.redirected ? 401 : response.status, code: error.code, retryAfterS });
}

function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
