// The store's plan with every cart on it, what is closed, and the pointer's way of saying what to close.

import { el, keepList, svg } from "../shell/dom.js";
import { StoreMap } from "../shell/store_map.js";
import { t } from "../shell/words.js";
import { marksOf, stateOf } from "./wording.js";

const CLICK_M = 0.4; // a pointer that moved less meant the spot
const APART_M = 0.9; // carts on one spot are drawn side by side
const SEEDS_MAX = 400; // more carts than a store has
const ASKED_EVERY_MS = 2000; // as the desk asks: a cart has arrived when its next place is told

/** Events: `cart` (detail: number), `block` (detail: block), `place` (detail: {floor, x1, y1, x2, y2, name?}). */
export class FloorPlan extends EventTarget {
  #plan;
  #map;
  #blocks = svg("g");
  #carts = svg("g", { "aria-hidden": "true" });
  #draft = svg("rect", { class: "draft", visibility: "hidden", rx: 0.2 });
  #from = null;
  #drawn = "";
  #closed = [];
  isClosing = false;
  node;

  constructor(plan) {
    super();
    this.#plan = plan;
    this.#map = new StoreMap({ layout: plan.layout, closed: [] }, t("floor.plan"));
    this.node = this.#map.node;
    this.node.setAttribute("role", "group");
    this.node.append(this.#blocks, this.#carts, this.#draft);
    this.node.addEventListener("pointerdown", (event) => this.#begin(event));
    this.node.addEventListener("pointermove", (event) => this.#drag(event));
    this.node.addEventListener("pointerup", (event) => this.#finish(event));
    this.node.addEventListener("pointercancel", () => this.#forget());
  }

  get version() {
    return this.#plan.version;
  }

  get floors() {
    return this.#map.floors;
  }

  get floor() {
    return this.#map.floor;
  }

  get layout() {
    return this.#plan.layout;
  }

  showFloor(floor) {
    this.#map.showFloor(floor);
    this.#drawn = "";
  }

  /** While closing, the pointer draws instead of choosing. */
  setClosing(isClosing) {
    this.isClosing = isClosing;
    this.node.classList.toggle("closing", isClosing);
    this.#forget();
  }

  /** Bring carts and closures up to date; gives how many carts have no place. */
  update({ carts, alerts, blocks, at }, selected) {
    this.#drawBlocks(blocks);
    const calling = new Set(alerts.filter(({ kind }) => kind === "help").map((one) => one.cart_id));
    const here = carts.filter((cart) => cart.x !== null && cart.floor === this.floor);
    const spots = sideBySide(here, this.#plan.layout.floors.find(({ floor }) => floor === this.floor));
    keepList(
      this.#carts,
      [...here].sort((one, other) => rank(one, calling, selected) - rank(other, calling, selected)),
      (cart) => cart.cart_id,
      (cart) => this.#makeCart(cart),
      (node, cart) => {
        const kind = [calling.has(cart.cart_id) && "calling", marksOf(cart, alerts, at).length > 0 && "marked", cart.cart_id === selected && "selected"];
        node.setAttribute("class", ["cart", stateOf(cart, at), ...kind.filter(Boolean)].join(" "));
        this.#map.move(node, spots.get(cart.cart_id), ASKED_EVERY_MS);
      },
    );
    return carts.filter((cart) => cart.x === null).length;
  }

  /** The words for a closure: its section, a connector, or a piece of floor. */
  nameOf(block) {
    if (block.connector !== null && block.connector !== undefined) {
      const way = this.layout.connectors[block.connector];
      return t("block.connector", { number: block.connector + 1, from: way?.from[0] ?? "?", to: way?.to[0] ?? "?" });
    }
    return this.#sections(block.floor).find((one) => isInside({ x: (block.x1 + block.x2) / 2, y: (block.y1 + block.y2) / 2 }, one))?.name ?? t("block.piece");
  }

  #makeCart(cart) {
    const number = svg("text", {});
    number.textContent = String(cart.cart_id);
    const node = svg("g", {}, svg("circle", { class: "ring", r: 1.15 }), svg("circle", { class: "body", r: 0.72 }), number);
    node.addEventListener("click", () => this.isClosing || this.dispatchEvent(new CustomEvent("cart", { detail: cart.cart_id })));
    return node;
  }

  #drawBlocks(blocks) {
    const key = JSON.stringify([this.floor, blocks]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const here = blocks.filter((one) => one.floor === this.floor);
    this.#closed = here;
    keepList(this.#blocks, here, (one) => one.block_id, (one) => this.#makeBlock(one), () => {});
  }

  #makeBlock(block) {
    const shape = svg("rect", { class: "closed", ...this.#box(block), rx: 0.2 });
    const cross = svg("path", { class: "cross", d: "M-.5-.5.5.5M.5-.5-.5.5", transform: `translate(${(block.x1 + block.x2) / 2} ${this.#y((block.y1 + block.y2) / 2)})` });
    const node = svg("g", { class: "block", role: "button", tabindex: 0, "aria-label": t("block.closed", { name: this.nameOf(block) }) }, shape, cross);
    const open = () => this.isClosing || this.dispatchEvent(new CustomEvent("block", { detail: block }));
    node.addEventListener("click", open);
    node.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), open()));
    return node;
  }

  #begin(event) {
    if (!this.isClosing || !event.isPrimary) return;
    this.node.setPointerCapture(event.pointerId);
    this.#from = this.#spot(event);
  }

  #drag(event) {
    if (this.#from === null) return;
    const box = this.#between(this.#from, this.#spot(event));
    for (const [name, value] of Object.entries(this.#box(box))) this.#draft.setAttribute(name, value);
    this.#draft.setAttribute("visibility", "visible");
  }

  #finish(event) {
    if (this.#from === null) return false;
    const [from, to] = [this.#from, this.#spot(event)];
    this.#forget();
    if (Math.hypot(from.x - to.x, from.y - to.y) < CLICK_M) {
      const closed = this.#closed.find((one) => isInside(from, one));
      if (closed) return this.dispatchEvent(new CustomEvent("block", { detail: closed }));
      const section = this.#sections(this.floor).filter((one) => isInside(from, one)).sort((one, other) => sizeOf(one) - sizeOf(other))[0];
      return section && this.dispatchEvent(new CustomEvent("place", { detail: placeOf(this.floor, section) }));
    }
    const box = this.#between(from, to);
    const isPiece = box.x1 < box.x2 && box.y1 < box.y2;
    return isPiece && this.dispatchEvent(new CustomEvent("place", { detail: { floor: this.floor, ...box, name: t("block.piece") } }));
  }

  #forget() {
    this.#from = null;
    this.#draft.setAttribute("visibility", "hidden");
  }

  // Where the pointer is, in metres of the plan.
  #spot(event) {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.node.getScreenCTM().inverse());
    return { x, y: this.#y(y) };
  }

  // A rectangle inside the floor, to the decimetre.
  #between(one, other) {
    const [x1, y1, x2, y2] = this.layout.floors.find(({ floor }) => floor === this.floor).bounds;
    const held = (value, low, high) => Math.round(Math.min(Math.max(value, low), high) * 10) / 10;
    return {
      x1: held(Math.min(one.x, other.x), x1, x2),
      y1: held(Math.min(one.y, other.y), y1, y2),
      x2: held(Math.max(one.x, other.x), x1, x2),
      y2: held(Math.max(one.y, other.y), y1, y2),
    };
  }

  #box({ x1, y1, x2, y2 }) {
    return { x: x1, y: Math.min(this.#y(y1), this.#y(y2)), width: x2 - x1, height: y2 - y1 };
  }

  #sections(floor) {
    return this.layout.floors.find((one) => one.floor === floor)?.sections ?? [];
  }

  #y(y) {
    return this.layout.y_axis === "up" ? -y : y;
  }
}

/** A section as a place to close. */
export const placeOf = (floor, { x1, y1, x2, y2, name }) => ({ floor, x1, y1, x2, y2, name });

/** What the colours mean. */
export function legend() {
  const mark = (kind) => svg("svg", { viewBox: "-1.3 -1.3 2.6 2.6", class: "fleet", "aria-hidden": "true" }, kind === "closed" ? svg("rect", { class: "closed", x: -0.9, y: -0.9, width: 1.8, height: 1.8, rx: 0.2 }) : svg("g", { class: `cart ${CLASS_OF[kind]}` }, svg("circle", { class: "ring", r: 1.15 }), svg("circle", { class: "body", r: 0.72 })));
  return el("ul", { class: "legend small soft" }, ["used", "free", "alert", "gap", "silent", "closed"].map((kind) => el("li", {}, mark(kind), t(`legend.${kind}`))));
}

const CLASS_OF = { used: "used", free: "free", alert: "used calling", gap: "used marked", silent: "silent" };
const isInside = ({ x, y }, { x1, y1, x2, y2 }) => x >= x1 && x <= x2 && y >= y1 && y <= y2;
const isIn = ({ x, y }, [x1, y1, x2, y2]) => x >= x1 && x <= x2 && y >= y1 && y <= y2;
const sizeOf = ({ x1, y1, x2, y2 }) => (x2 - x1) * (y2 - y1);

// What matters is drawn last, so that it lies on top.
const rank = (cart, calling, selected) => (cart.cart_id === selected ? 4 : 0) + (calling.has(cart.cart_id) ? 2 : 0) + (cart.session ? 1 : 0);

function sideBySide(carts, { bounds, shelves = [] }) {
  const taken = new Map();
  const spots = new Map();
  const isFloor = (spot) => isIn(spot, bounds) && !shelves.some((shelf) => isIn(spot, shelf));
  for (const { cart_id: number, x, y } of carts) {
    const key = `${Math.round(x / APART_M)} ${Math.round(y / APART_M)}`;
    let seed = taken.get(key) ?? 0;
    while (seed > 0 && seed < SEEDS_MAX && !isFloor(seedAt(x, y, seed))) seed += 1;
    taken.set(key, seed + 1);
    spots.set(number, seedAt(x, y, seed));
  }
  return spots;
}

// Carts on one spot stand like a sunflower's seeds.
function seedAt(x, y, seed) {
  const [angle, reach] = [seed * 2.4, APART_M * Math.sqrt(seed)];
  return { x: x + reach * Math.cos(angle), y: y + reach * Math.sin(angle) };
}
