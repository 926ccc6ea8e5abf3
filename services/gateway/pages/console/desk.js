// An operator's login and the store as it is now: asked for every two seconds while somebody looks (decision record 50).

import { send } from "../shell/http.js";

const EVERY_MS = 2000;
const API = "/console/api";

/** Events: `live` (news in `live`), `link` (`isReached` changed), `ended` (the login counts no longer). */
export class Desk extends EventTarget {
  #timer = 0;
  #isAsking = false;
  #isWanted = false;
  #store = null;
  operator = null;
  live = null;
  heardAt = 0;
  isReached = true;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#isWanted) this.ask();
    });
  }

  get isManager() {
    return this.operator?.role === "manager";
  }

  get store() {
    return this.#store ?? this.live?.store ?? null;
  }

  /** Look at another store. */
  choose(store) {
    this.#store = store;
    this.live = null;
    return this.ask();
  }

  /** Whether a login of before goes on. */
  async resume() {
    const answer = await send("GET", `${API}/me`, { staff: true });
    if (answer.ok) this.operator = answer.body;
    return answer;
  }

  async logIn(name, password) {
    const answer = await send("POST", `${API}/login`, { staff: true, body: { name, password } });
    if (answer.ok) this.operator = answer.body;
    return answer;
  }

  /** The cookie ends with the login, so the gateway has to be reached for it. */
  async logOut() {
    const answer = await send("POST", `${API}/logout`, { staff: true });
    if (answer.ok || answer.status === 401) this.#end();
    return answer;
  }

  /** A call below the console's path. A login that has ended is said by the event. */
  async call(method, path, body) {
    const answer = await send(method, `${API}${path}`, { staff: true, body });
    if (answer.status === 401) this.#end();
    return answer;
  }

  start() {
    this.#isWanted = true;
    return this.ask();
  }

  /** Ask now, and again after a while. */
  async ask() {
    if (this.#isAsking || !this.#isWanted) return;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    const asked = this.#store;
    const answer = await this.call("GET", `/live${asked ? `?store=${asked}` : ""}`);
    this.#isAsking = false;
    if (!this.#isWanted) return;
    if (asked !== this.#store) return this.ask();
    if (!document.hidden) this.#timer = setTimeout(() => this.ask(), EVERY_MS);
    this.#hear(answer);
  }

  #hear(answer) {
    if (answer.ok) {
      this.live = answer.body;
      this.heardAt = Date.now();
    }
    const isReached = answer.ok || answer.status === 404;
    if (isReached !== this.isReached) {
      this.isReached = isReached;
      this.dispatchEvent(new Event("link"));
    }
    if (answer.ok) this.dispatchEvent(new Event("live"));
  }

  #end() {
    clearTimeout(this.#timer);
    if (this.operator === null) return;
    this.#isWanted = false;
    this.operator = null;
    this.live = null;
    this.dispatchEvent(new Event("ended"));
  }
}
