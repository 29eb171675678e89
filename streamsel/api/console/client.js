/** Calls to the API: who calls, what failed, and numbers without loss. */

const KEY = "streamsel.key";

/** The server refused: `status`, what kind of problem, a sentence on it, and seconds to wait before trying again. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.title = `${problem?.title ?? "The server is out of order"}.`;
    this.retryAfter = retryAfter;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {}

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

/**
 * The content of the response. Throws `Refused`, `Unreachable`, or an `AbortError` by the signal.
 * `lasting` calls are finished even if the page is being closed.
 */
export async function call(method, path, { body, headers = {}, signal, lasting = false } = {}) {
  const key = sessionStorage.getItem(KEY);
  const request = {
    method,
    signal,
    keepalive: lasting,
    cache: "no-store",
    headers: { "X-Requested-With": "streamsel", ...headers },
  };
  if (key) request.headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response, text;
  try {
    response = await fetch(path, request);
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  const content = parse(text);
  if (!response.ok) throw new Refused(response.status, content, Number(response.headers.get("Retry-After")));
  return content;
}

/** JSON with integers beyond 2^53 as BigInt; null when it is none, as from a proxy in between. */
function parse(text) {
  try {
    return JSON.parse(text, (_, value, context) =>
      typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
        ? BigInt(context.source)
        : value,
    );
  } catch {
    return null;
  }
}
