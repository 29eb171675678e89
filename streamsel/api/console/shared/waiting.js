/** Waiting: for a while, for the network, for somebody to look. */

const REST_SECONDS = 2; // before asking again when nobody answers

export const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

const happens = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));

/** Until a call that failed may be tried again: a little later, or as soon as the network is back. */
export async function beforeTryingAgain(error) {
  const rest = pause((error.retryAfter || REST_SECONDS) + Math.random());
  await (navigator.onLine ? rest : Promise.race([happens(window, "online"), rest]));
}

/** Until the page is in sight. */
export async function seen() {
  if (document.visibilityState !== "visible") await happens(document, "visibilitychange");
}

/** Repeats `calling` until somebody answers who is not out of order; `tell` hears of each failure. */
export async function patiently(calling, tell = () => {}) {
  for (;;) {
    try {
      return await calling();
    } catch (error) {
      if (!error.passing) throw error;
      tell(error);
      await beforeTryingAgain(error);
    }
  }
}
