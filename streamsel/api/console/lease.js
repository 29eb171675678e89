/** Keeps a claim for as long as somebody is at it. */

import { call, Refused } from "./client.js";

const AWAY_SECONDS = 300; // without a key, touch or move of the mouse nobody is at it
const byId = (id) => document.getElementById(id);

let lastSign = Date.now();
for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
  addEventListener(sign, () => (lastSign = Date.now()), { passive: true });
}

const attended = () =>
  document.visibilityState === "visible" && document.hasFocus() && Date.now() - lastSign < AWAY_SECONDS * 1000;

/** Shows the time left of a claim's lease and extends it, until stopped. */
export class Lease {
  #claim;
  #ends;
  #extending = false;
  #ticking;

  constructor(claim) {
    this.#claim = claim;
    this.#begin(claim);
    this.#ticking = setInterval(() => this.#tick(), 500);
    this.#tick();
  }

  stop() {
    clearInterval(this.#ticking);
  }

  #begin({ lease_seconds }) {
    // Counted from here: the desk's clock and ours need not agree.
    this.#ends = Date.now() + lease_seconds * 1000;
  }

  #tick() {
    const left = (this.#ends - Date.now()) / 1000;
    const share = Math.max(0, Math.min(1, left / this.#claim.lease_seconds));
    byId("lease-bar").style.setProperty("--share", share);
    byId("lease").dataset.state = left <= 0 ? "over" : share < 0.25 ? "short" : "held";
    byId("lease-text").textContent =
      left > 0
        ? `Held for you for ${clock(left)}`
        : "No longer held for you. Your answer still counts if nobody else took it.";
    if (share < 0.5 && left > 0 && attended()) this.#extend();
  }

  async #extend() {
    if (this.#extending) return;
    this.#extending = true;
    try {
      const { query_id, fence } = this.#claim;
      this.#begin(await call("POST", `v1/claims/${query_id}/extend`, { body: { fence } }));
    } catch (error) {
      // Nobody answers: the next tick tries again. Refused: the claim has ended, whatever our clock says.
      if (error instanceof Refused && error.status < 500) this.#ends = Date.now();
    } finally {
      this.#extending = false;
    }
  }
}

function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
