/** Calls to the API: who calls, what failed, and numbers without loss. */

const KEY = "streamsel.key";

/**
 * The server refused: `status`, what kind of problem, a sentence on it, seconds to wait before trying again, and
 * where people sign in, if that is what is missing and there is such a place.
 */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.kind = problem?.type?.split("/").pop() ?? "";
    this.title = `${problem?.title ?? "The server is out of order"}.`;
    this.retryAfter = retryAfter;
    this.signIn = problem?.sign_in;
  }

  /** The same call may work later. */
  get passing() {
    return this.status >= 500 || this.status === 429;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {
  constructor() {
    super(navigator.onLine ? "The server does not answer." : "You are offline.");
    this.title = this.message;
  }

  get passing() {
    return true;
  }
}

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

let signInAgain = null;
let signingIn = null;

/** From now on a call that meets the end of the session waits for `ask`, then is repeated. */
export function whenSignedOut(ask) {
  signInAgain = ask;
}

/**
 * The content of the response. Throws `Refused`, `Unreachable`, or an `AbortError` by the signal.
 * `lasting` calls are finished even if the page is being closed; without `renew`, 401 is a refusal like others.
 */
export async function call(method, path, options = {}) {
  try {
    return await send(method, path, options);
  } catch (error) {
    if (error.status !== 401 || !signInAgain || options.renew === false) throw error;
  }
  signingIn ??= signInAgain().finally(() => (signingIn = null));
  await signingIn;
  return send(method, path, options);
}

async function send(method, path, options) {
  const response = await request(method, path, options);
  const text = await response.text().catch((error) => Promise.reject(failure(error)));
  const content = parse(text);
  if (!response.ok) throw new Refused(response.status, content, Number(response.headers.get("Retry-After")));
  return content;
}

/** The response itself, as soon as its head is there. */
export async function request(method, path, { body, headers = {}, signal, lasting = false } = {}) {
  const key = sessionStorage.getItem(KEY);
  const sent = {
    method,
    signal,
    keepalive: lasting,
    cache: "no-store",
    headers: { "X-Requested-With": "streamsel", ...headers },
  };
  if (key) sent.headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) {
    sent.headers["Content-Type"] = "application/json";
    sent.body = JSON.stringify(body);
  }
  try {
    return await fetch(path, sent);
  } catch (error) {
    throw failure(error);
  }
}

const failure = (error) => (error.name === "AbortError" ? error : new Unreachable());

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
