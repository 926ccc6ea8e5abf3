// A login: the access token lives in memory only, the refresh token in the browser's storage (decision record 40).

import { send } from "./http.js";

const RENEW_AT = 0.8; // of the token's life, so that no call has to wait for a renewal

/** One login of one person. Events: `ended` when it no longer counts although nobody wanted that, `left` after logging out. */
export class Session extends EventTarget {
  #name;
  #token = null;
  #renewing = null;
  #timer = 0;
  userId = null;
  isProfileComplete = true;

  /** `name` is the key in the browser's storage: each page has its own logins. */
  constructor(name) {
    super();
    this.#name = name;
  }

  /** Whether there is a login to go on with; it may turn out to have ended. */
  get isOpen() {
    return this.#token !== null || this.#kept() !== null;
  }

  /** Ask for a one-time code. */
  askForCode(number) {
    return send("POST", "/auth/verify_mobile", { body: { mobile_number: number } });
  }

  /** Log in with the code. `stay`: the login outlives the browser's window. */
  async logIn(number, code, stay) {
    const answer = await send("POST", "/auth/verify_otp", { body: { mobile_number: number, otp: code } });
    if (answer.ok) {
      this.#forget();
      this.#take(answer.body, stay ? localStorage : sessionStorage);
    }
    return answer;
  }

  /** Log out here, and at the gateway when it can be reached. */
  async logOut() {
    const token = this.#token;
    this.#forget();
    this.dispatchEvent(new Event("left"));
    if (token) await send("POST", "/auth/logout", { token });
  }

  /** A call as this person. An access token that has ended is renewed and the call made again, unseen. */
  async call(method, path, { body, key } = {}) {
    if (this.#token === null) {
      const renewed = await this.renew();
      if (!renewed.ok) return renewed;
    }
    const used = this.#token;
    const answer = await send(method, path, { body, key, token: used });
    if (answer.status !== 401) return answer;
    if (this.#token === used) {
      const renewed = await this.renew();
      if (!renewed.ok) return renewed;
    }
    return send(method, path, { body, key, token: this.#token });
  }

  /** Fresh tokens. However many ask at once, in however many tabs, one asks the gateway. */
  renew() {
    this.#renewing ??= this.#locked(() => this.#renewNow()).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renewNow() {
    const kept = this.#kept();
    if (kept === null) {
      this.#end();
      return { ok: false, status: 401, code: "not_authenticated", detail: "", retryAfterS: null };
    }
    const answer = await send("POST", "/auth/refresh", { body: { refresh_token: kept.token } });
    if (answer.ok) this.#take(answer.body, kept.storage);
    else if (answer.status === 401 || answer.status === 422) this.#end();
    return answer;
  }

  // A refresh token counts once: two tabs must not use the same. Without the API (no HTTPS) each tab asks by itself.
  #locked(act) {
    return navigator.locks ? navigator.locks.request(`${this.#name}-refresh`, act) : act();
  }

  #take(body, storage) {
    this.#token = body.token;
    this.userId = body.user_id;
    this.isProfileComplete = body.is_profile_complete;
    storage.setItem(this.#name, body.refresh_token);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.renew(), body.expires_in * RENEW_AT * 1000);
  }

  #kept() {
    for (const storage of [sessionStorage, localStorage]) {
      const token = storage.getItem(this.#name);
      if (token !== null) return { storage, token };
    }
    return null;
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#token = null;
    this.userId = null;
    sessionStorage.removeItem(this.#name);
    localStorage.removeItem(this.#name);
  }

  #end() {
    this.#forget();
    this.dispatchEvent(new Event("ended"));
  }
}
