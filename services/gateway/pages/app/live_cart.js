// The one cart of this shopper, always the newest that is known: states over MQTT, snapshots over HTTP, joined by version.

import { LiveLink } from "../shell/live_link.js";
import { changesBetween, fromState, fromView, isNews, withLinesLeftOut } from "./cart_model.js";

const POLL_WITHOUT_LINK_MS = 2000;
const POLL_WITH_LINK_MS = 20000; // a broker may lose a message: never for longer than this
// Connecting for the first time is no loss, and renewing credentials takes less than this: nobody's concern.
const GRACE_MS = { starting: 4000, live: 1500 };

/**
 * Events: `change` (detail: {before, after, changes}), `trip-ended` (detail: the last cart), `link` when `linkState` changes.
 * `cart` is undefined until the first answer, null without a cart. `linkState`: `starting`, `live`,
 * `polling` or `offline`.
 */
export class LiveCart extends EventTarget {
  #session;
  #link;
  #timer = 0;
  #lossTimer = 0;
  #asked = 0;
  #answered = 0;
  #ended = new Set();
  #running = false;
  #reached = true;
  #letGo = null;
  cart = undefined;
  linkState = "starting";
  heardAt = 0;

  constructor(session) {
    super();
    this.#session = session;
    this.#link = new LiveLink(() => session.call("POST", "/mqtt/token"));
    this.#link.addEventListener("up", () => {
      this.#judgeLink();
      this.refresh(); // what was said before the subscription
    });
    this.#link.addEventListener("down", () => {
      this.#judgeLink();
      this.#refreshIn(POLL_WITHOUT_LINK_MS);
    });
    this.#link.addEventListener("message", ({ detail }) => this.#hear(detail));
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#link.lose());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#sayLink("starting");
    this.cart = undefined;
    this.refresh();
    this.#whenAlone(() => this.#link.start());
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#link.stop();
    this.#letGo?.();
    this.#ended.clear();
    this.cart = undefined;
  }

  /** Ask for a snapshot now; the next regular one is counted from here. */
  async refresh() {
    if (!this.#running) return;
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const answer = await this.#session.call("GET", "/cart/view");
    if (!this.#running) return;
    this.#reached = answer.ok || answer.code !== "offline";
    this.#judgeLink();
    const isAnswered = answer.ok || answer.code === "no_cart"; // else the gateway is busy or away: ask again soon
    if (asked > this.#answered) {
      if (answer.ok) this.#takeSnapshot(fromView(answer.body));
      else if (isAnswered) this.#takeNoCart();
      if (isAnswered) this.#answered = asked;
    }
    this.#refreshIn(this.#link.isUp && isAnswered ? POLL_WITH_LINK_MS : POLL_WITHOUT_LINK_MS);
  }

  /** This trip is over, as its own checkout or leaving said; late states of it no longer count. */
  endTrip() {
    if (!this.cart) return;
    this.#ended.add(this.cart.sessionId);
    this.#answered = this.#asked; // a snapshot on its way was read before the end
    this.#set(null);
  }

  #refreshIn(ms) {
    clearTimeout(this.#timer);
    if (this.#running) this.#timer = setTimeout(() => this.refresh(), ms);
  }

  #takeSnapshot(next) {
    if (this.#ended.has(next.sessionId)) return;
    // The newest answer about who holds what is true: another trip than the shown one has begun.
    if (!this.cart || this.cart.sessionId !== next.sessionId || isNews(this.cart, next)) this.#set(next);
    else this.#heardNow();
  }

  #takeNoCart() {
    const last = this.cart;
    this.#set(null);
    if (last) this.dispatchEvent(new CustomEvent("trip-ended", { detail: last }));
  }

  #hear(state) {
    const next = fromState(state);
    if (this.#ended.has(next.sessionId)) return;
    if (!this.cart || this.cart.sessionId !== next.sessionId) {
      if (next.status !== "closed") this.refresh(); // a trip that began elsewhere: only a snapshot tells in which order
      return;
    }
    if (next.status === "closed") {
      const last = this.cart;
      this.endTrip();
      this.dispatchEvent(new CustomEvent("trip-ended", { detail: last }));
      this.refresh();
    } else if (isNews(this.cart, next)) {
      this.#set(withLinesLeftOut(this.cart, next));
      if (!next.isComplete) this.refresh();
    }
  }

  #set(next) {
    const before = this.cart;
    this.cart = next;
    this.#heardNow();
    if (before === next) return;
    const known = before && next && before.sessionId === next.sessionId;
    const changes = known ? changesBetween(before, next) : [];
    this.dispatchEvent(new CustomEvent("change", { detail: { before, after: next, changes } }));
  }

  #heardNow() {
    this.heardAt = Date.now();
  }

  #hurry() {
    if (!this.#running) return;
    this.#link.hurry();
    this.refresh();
  }

  #judgeLink() {
    if (this.#link.isUp) {
      this.#sayLink("live");
      return;
    }
    if (!navigator.onLine || !this.#reached) {
      this.#sayLink("offline");
    } else if (this.linkState in GRACE_MS) {
      this.#lossTimer ||= setTimeout(() => this.#sayLink("polling"), GRACE_MS[this.linkState]);
    } else {
      this.#sayLink("polling");
    }
  }

  #sayLink(linkState) {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = 0;
    if (linkState === this.linkState) return;
    this.linkState = linkState;
    this.dispatchEvent(new Event("link"));
  }

  // The broker knows one connection per shopper. Of several tabs one has it and the others poll; without the API
  // (no HTTPS) or on another device the backoff of the link keeps the peace.
  #whenAlone(act) {
    if (!navigator.locks) return act();
    const waiting = new AbortController();
    this.#letGo = () => waiting.abort();
    const held = () => {
      if (!this.#running) return undefined;
      act();
      return new Promise((letGo) => {
        this.#letGo = letGo;
      });
    };
    navigator.locks.request("smartcart-live", { signal: waiting.signal }, held).catch(() => {});
  }
}
