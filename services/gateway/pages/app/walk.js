// The walk through the store as the map shows it: planned by the gateway, again whenever the cart or the list moves on.

const MOVED_M = 1.2; // less is the noise of a position
const LOOK_EVERY_MS = 1000;
const PLAN_AT_LEAST_EVERY_MS = 15000;
const OLD_AFTER_MS = 20000;

/** Events: `walk` (a new plan), `place` (the cart's place). Runs between start() and stop(). */
export class Walk extends EventTarget {
  #app;
  #timer = 0;
  #plannedAt = 0;
  #plannedFrom = null;
  #order = [];
  #running = false;
  #isDue = true;
  #onCart = () => {
    this.#isDue = true;
    this.#soon(0);
  };
  place = null; // {x, y, floor, isOld, at}
  plan = null; // the answer of POST /cart/shortest_path
  refused = null; // why there is no plan

  constructor(app) {
    super();
    this.#app = app;
  }

  start() {
    this.#running = true;
    this.#app.live.addEventListener("change", this.#onCart);
    this.#look();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#app.live.removeEventListener("change", this.#onCart);
  }

  #soon(ms) {
    clearTimeout(this.#timer);
    if (this.#running) this.#timer = setTimeout(() => this.#look(), ms);
  }

  async #look() {
    if (!document.hidden) {
      await this.#locate();
      const from = this.place;
      const hasMoved = from && (!this.#plannedFrom || from.floor !== this.#plannedFrom.floor || Math.hypot(from.x - this.#plannedFrom.x, from.y - this.#plannedFrom.y) > MOVED_M);
      if (this.#running && (this.#isDue || hasMoved || Date.now() - this.#plannedAt > PLAN_AT_LEAST_EVERY_MS)) await this.#planAgain();
    }
    this.#soon(LOOK_EVERY_MS);
  }

  async #locate() {
    const cart = this.#app.live.cart;
    if (!cart) {
      this.place = null;
      return;
    }
    const answer = await this.#app.session.call("GET", `/cart/${cart.cartId}/location`);
    if (!this.#running || !answer.ok) return;
    const at = Date.parse(answer.body.updated_at);
    this.place = { x: answer.body.x_coord, y: answer.body.y_coord, floor: answer.body.floor, at, isOld: Date.now() - at > OLD_AFTER_MS };
    this.dispatchEvent(new Event("place"));
  }

  async #planAgain() {
    this.#isDue = false;
    const body = { destinations: [], end: "checkout", previous_order: this.#order };
    const answer = await this.#app.session.call("POST", "/cart/shortest_path", { body });
    if (!this.#running) return;
    if (answer.code === "offline") {
      this.#isDue = true; // the way that is shown stays good
      return;
    }
    this.#plannedAt = Date.now();
    this.#plannedFrom = this.place;
    this.plan = answer.ok ? answer.body : null;
    this.refused = answer.ok ? null : answer;
    this.#order = answer.ok ? answer.body.segments.map(({ product_id }) => product_id) : [];
    this.dispatchEvent(new Event("walk"));
  }
}
