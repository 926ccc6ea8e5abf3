// Everything about products, asked for once each: the live cart names them by id and says nothing of allergens.

/** Details by product id, with the warnings for this shopper's own allergies. */
export class Products {
  #session;
  #known = new Map();

  constructor(session) {
    this.#session = session;
  }

  /** What is known already, without asking; null when nothing is. */
  peek(productId) {
    return this.#known.get(productId)?.found ?? null;
  }

  /** The product; null when it cannot be had right now. */
  async get(productId) {
    let entry = this.#known.get(productId);
    if (!entry) {
      entry = { found: null, asking: this.#ask(productId) };
      this.#known.set(productId, entry);
      entry.found = await entry.asking;
      if (entry.found === null) this.#known.delete(productId);
    }
    return entry.asking;
  }

  /** After a change of allergies, or of the person. */
  forget() {
    this.#known.clear();
  }

  async #ask(productId) {
    const answer = await this.#session.call("GET", `/products/${productId}`);
    return answer.ok ? answer.body : null;
  }
}
