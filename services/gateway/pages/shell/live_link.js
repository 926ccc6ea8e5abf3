// An MQTT-over-WebSocket connection that is kept: new credentials before the old end, backoff after a loss.
// It promises news, not completeness: whoever listens takes a snapshot over HTTP each time `up` is said.

const RETRY_MIN_MS = 400;
const RETRY_MAX_MS = 15000;
const STABLE_MS = 10000; // a connection that ends sooner was taken over: two devices must not chase each other
const RENEW_AT = 0.8; // of the credentials' life
const CONNECT_WITHIN_MS = 6000;
const KEEPALIVE_S = 15;

/** Events: `up` (subscribed, also anew with fresh credentials), `down`, and `message` with `detail` = the decoded payload. */
export class LiveLink extends EventTarget {
  #credentials; // async () => {ok, body: {url, username, password, client_id, topic, expires_in}}
  #client = null;
  #timer = 0;
  #renewal = 0;
  #waitMs = RETRY_MIN_MS;
  #upSince = 0;
  #wanted = false;
  #attempt = 0;
  isUp = false;

  constructor(credentials) {
    super();
    this.#credentials = credentials;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    this.#drop();
    this.#sayDown();
  }

  /** The way may be free again (back online, page in front): do not wait for the backoff. */
  hurry() {
    if (!this.#wanted || this.isUp) return;
    this.#waitMs = RETRY_MIN_MS;
    this.#connect();
  }

  /** The network is gone: do not wait until the keepalive finds out. */
  lose() {
    if (this.#wanted) this.#later();
  }

  async #connect() {
    this.#drop();
    this.#sayDown(); // also while credentials are renewed: should that take long, whoever listens asks meanwhile
    const attempt = ++this.#attempt;
    const isStale = () => attempt !== this.#attempt || !this.#wanted;
    const given = await this.#credentials();
    if (isStale()) return;
    if (!given.ok) return this.#later();
    const { default: mqtt } = await import("./vendor/mqtt/mqtt.esm.js");
    if (isStale()) return;
    this.#open(mqtt, given.body, isStale);
  }

  #open(mqtt, { url, username, password, client_id, topic, expires_in }, isStale) {
    const client = mqtt.connect(url, {
      clientId: client_id,
      username,
      password,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      connectTimeout: CONNECT_WITHIN_MS,
      keepalive: KEEPALIVE_S,
      timerVariant: "native", // its other timers are workers made of text, which our policy forbids
    });
    this.#client = client;
    client.on("connect", () => {
      client.subscribe(topic, { qos: 1 }, (problem, granted) => {
        if (isStale()) return;
        if (problem || granted.some(({ qos }) => qos > 2)) return client.end(true);
        this.#upSince = Date.now();
        this.#renewal = setTimeout(() => this.#connect(), expires_in * RENEW_AT * 1000);
        this.#sayUp();
      });
    });
    client.on("message", (_, payload) => {
      if (!isStale()) this.#hear(payload);
    });
    client.on("error", () => {});
    client.on("close", () => {
      if (isStale()) return;
      if (this.#upSince && Date.now() - this.#upSince > STABLE_MS) this.#waitMs = RETRY_MIN_MS;
      this.#later();
    });
  }

  #hear(payload) {
    let message;
    try {
      message = JSON.parse(new TextDecoder().decode(payload));
    } catch {
      return; // not ours to judge: the snapshot over HTTP tells the truth
    }
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #later() {
    this.#drop();
    this.#sayDown();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), this.#waitMs * (0.75 + Math.random() / 2));
    this.#waitMs = Math.min(this.#waitMs * 2, RETRY_MAX_MS);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    this.#attempt += 1;
    this.#upSince = 0;
    const client = this.#client;
    this.#client = null;
    client?.end(true);
  }

  // Each time: what came between the old connection and this one was heard by neither.
  #sayUp() {
    this.isUp = true;
    this.dispatchEvent(new Event("up"));
  }

  #sayDown() {
    if (!this.isUp) return;
    this.isUp = false;
    this.dispatchEvent(new Event("down"));
  }
}
