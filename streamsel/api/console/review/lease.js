/** Keeps a claim for as long as somebody is at it. */

import { call } from "../shared/client.js";

const AWAY_SECONDS = 300; // without a key, touch or move of the mouse nobody is at it
const SHORT = 0.25; // of the lease is left

let lastSign = Date.now();
for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
  addEventListener(sign, () => (lastSign = Date.now()), { passive: true });
}

const attended = () =>
  document.visibilityState === "visible" && document.hasFocus() && Date.now() - lastSign < AWAY_SECONDS * 1000;

/** A claim with the time left of its lease. */
export class Lease {
  #ends;
  #extending = false;

  constructor(claim) {
    this.claim = claim;
    this.renew(claim);
  }

  /** The lease begins anew, perhaps under another fence. */
  renew(claim) {
    this.claim = { ...this.claim, fence: claim.fence };
    // Counted from here: the desk's clock and ours need not agree.
    this.#ends = Date.now() + claim.lease_seconds * 1000;
  }

  /** Seconds. */
  get left() {
    return Math.max(0, (this.#ends - Date.now()) / 1000);
  }

  get share() {
    return Math.min(1, this.left / this.claim.lease_seconds);
  }

  get state() {
    return this.left === 0 ? "over" : this.share < SHORT ? "short" : "held";
  }

  /** To be called often: extends the lease after half of it while somebody is there. */
  async keep() {
    if (this.#extending || this.share >= 0.5 || this.left === 0 || !attended()) return;
    this.#extending = true;
    const { query_id, fence } = this.claim;
    try {
      this.renew(await call("POST", `v1/claims/${query_id}/extend`, { body: { fence } }));
    } catch (error) {
      // Nobody answers: the next call tries again. Refused: the claim has ended, whatever our clock says.
      if (!error.passing && this.claim.fence === fence) this.#ends = Date.now();
    } finally {
      this.#extending = false;
    }
  }
}
