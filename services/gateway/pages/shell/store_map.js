// One floor of a store as SVG: sections, shelves, doors, what is closed, a way with its stops, and where a cart is.
// All lengths are metres of the plan; y is turned over when the plan's y axis points up.

import { glide } from "./around.js";
import { show, svg } from "./dom.js";

const MARGIN_M = 0.7;
const NAME_MAX_M = 0.85;
const NAME_NEAR_MAX_M = 0.5;
const LETTER = 0.62; // width of a letter by its height, on average
const SHARED_STOP_M = 1.1; // stops nearer than this share a sign
const ASKED_EVERY_MS = 1000; // how often the shopper's page asks for the place of its cart

/** Draws a plan (`layout` and `closed` of GET /stores/{store}/plan). Add `node` to the page. */
export class StoreMap {
  #layout;
  #floor;
  #ground = svg("g");
  #way = svg("g");
  #signs = svg("g");
  #me = svg("g", { class: "me", visibility: "hidden" }, svg("circle", { class: "around", r: 1.3 }), svg("circle", { r: 0.62 }));
  node;

  constructor({ layout, closed }, label) {
    this.#layout = layout;
    this.closed = closed;
    this.node = svg("svg", { class: "storemap", role: "img", "aria-label": label }, this.#ground, this.#way, this.#signs, this.#me);
    this.showFloor(layout.floors[0].floor);
  }

  get floors() {
    return this.#layout.floors.map(({ floor }) => floor);
  }

  get floor() {
    return this.#floor.floor;
  }

  /** Draw another floor; its way and cart have to be set again. */
  showFloor(number) {
    this.#floor = this.#layout.floors.find(({ floor }) => floor === number) ?? this.#layout.floors[0];
    show(this.#ground, this.#drawGround());
    show(this.#way);
    show(this.#signs, this.#drawDoors());
    this.#me.setAttribute("visibility", "hidden");
    this.#me.style.transform = ""; // it does not come from the other floor
    this.showAll();
  }

  /** The whole floor. */
  showAll() {
    const [x1, y1, x2, y2] = this.#floor.bounds;
    this.#draw("whole", NAME_MAX_M);
    this.#look(x1 - MARGIN_M, this.#top(y1, y2) - MARGIN_M, x2 - x1 + 2 * MARGIN_M, y2 - y1 + 2 * MARGIN_M);
  }

  /** A square around a spot, kept inside the floor. */
  showAround({ x, y }, side) {
    const [x1, y1, x2, y2] = this.#floor.bounds;
    const [width, height] = [Math.min(side, x2 - x1 + 2 * MARGIN_M), Math.min(side, y2 - y1 + 2 * MARGIN_M)];
    const inside = (middle, size, from, to) => Math.min(Math.max(middle - size / 2, from - MARGIN_M), to + MARGIN_M - size);
    const top = this.#top(y1, y2);
    this.#draw("near", NAME_NEAR_MAX_M);
    this.#look(inside(x, width, x1, x2), inside(this.#y(y), height, top, top + y2 - y1), width, height);
  }

  /**
   * The way: `legs` in walking order, each {path: [{x, y, floor}], stop, place?, label}. The first is drawn strongly.
   * `wanted`: name of the section to point out.
   */
  setWay(legs, wanted) {
    const paths = legs.map((leg) => this.#runs(leg.path));
    const lines = paths.flatMap((runs, index) => runs.map((run) => svg("polyline", { class: index === 0 ? "way" : "way later", points: run })));
    const halos = (paths[0] ?? []).map((run) => svg("polyline", { class: "way halo", points: run }));
    show(this.#way, lines.slice(paths[0]?.length ?? 0), halos, lines.slice(0, paths[0]?.length ?? 0), this.#places(legs), this.#stops(legs));
    for (const rect of this.#ground.querySelectorAll(".section")) rect.classList.toggle("wanted", rect.dataset.name === wanted);
  }

  /** Where the cart is; null hides it. `isOld`: it has not been heard of for a while. */
  setCart(spot, isOld) {
    const isHere = spot !== null && spot.floor === this.floor;
    this.#me.setAttribute("visibility", isHere ? "visible" : "hidden");
    this.#me.classList.toggle("old", Boolean(isOld));
    if (isHere) this.move(this.#me, spot, ASKED_EVERY_MS);
  }

  /** Let a mark glide to a spot of this floor, around the shelves. */
  move(mark, { x, y }, ms) {
    const shelves = (this.#floor.shelves ?? []).map(([x1, y1, x2, y2]) => [x1, Math.min(this.#y(y1), this.#y(y2)), x2, Math.max(this.#y(y1), this.#y(y2))]);
    glide(mark, { x, y: this.#y(y) }, shelves, ms);
  }

  #drawGround() {
    const { bounds, sections = [], shelves = [], one_way = [] } = this.#floor;
    return [
      this.#rect(bounds, { class: "ground" }),
      sections.map((one, index) => {
        const rect = this.#rect([one.x1, one.y1, one.x2, one.y2], { class: index % 2 ? "section second" : "section", rx: 0.4 });
        rect.dataset.name = one.name;
        return rect;
      }),
      shelves.map((shelf) => this.#rect(shelf, { class: "shelf", rx: 0.12 })),
      one_way.map((zone) => this.#arrow(zone)),
      this.closed.filter((one) => one.floor === this.floor && one.x1 !== null).map((one) => this.#rect([one.x1, one.y1, one.x2, one.y2], { class: "closed" })),
      sections.map((one) => this.#name(one)),
      this.#rect(bounds, { class: "wall", rx: 0.3 }),
    ].flat();
  }

  #drawDoors() {
    const { entrances = [], checkouts = [], connectors = [] } = this.#layout;
    const signs = [
      ...entrances.map((at) => ["entrance", at, arrowOf("M0 .4V-.4M-.35-.05 0-.42 .35-.05")]),
      ...checkouts.map(({ name, at }) => ["checkout", at, this.#text(name.slice(0, 3), 0, 0, "door")]),
      ...connectors.flatMap(({ from, to }) => [from, to].map((at) => ["ride", at, arrowOf("M-.2.4V-.35l-.2.2M.2-.4V.35l.2-.2")])),
    ];
    return signs
      .filter(([, [floor]]) => floor === this.floor)
      .map(([kind, [, x, y], mark]) =>
        svg("g", { transform: `translate(${x} ${this.#y(y)})` }, svg("rect", { class: `sign ${kind}`, x: -0.8, y: -0.8, width: 1.6, height: 1.6, rx: 0.4 }), mark),
      );
  }

  // Along the longer side, in two lines when that lets it be larger.
  #name({ name, x1, y1, x2, y2 }) {
    const [width, height] = [x2 - x1, y2 - y1];
    const isUpright = height > width * 1.3;
    const [room, across] = isUpright ? [height, width] : [width, height];
    const lines = inTwo(name);
    const longest = Math.max(...lines.map((line) => line.length));
    const size = Math.min(NAME_MAX_M, (room - 0.6) / (LETTER * longest), (across - 0.2) / (1.15 * lines.length));
    const [x, y] = [(x1 + x2) / 2, this.#y((y1 + y2) / 2)];
    const text = svg("text", {});
    for (const [index, line] of lines.entries()) {
      const part = svg("tspan", { x: 0, y: `${(index - (lines.length - 1) / 2) * 1.1}em` });
      part.textContent = line;
      text.append(part);
    }
    const [long, high] = [LETTER * longest + 0.5, 1.1 * lines.length + 0.2]; // in letters' heights
    const node = svg("g", { class: "name" }, svg("rect", { class: "plate", x: -long / 2, y: -high / 2, width: long, height: high, rx: 0.4 }), text);
    node.dataset.place = `translate(${x} ${y})${isUpright ? " rotate(-90)" : ""}`;
    node.dataset.size = size;
    return node;
  }

  #arrow({ rect: [x1, y1, x2, y2], direction: [dx, dy] }) {
    const down = this.#layout.y_axis === "up" ? -dy : dy;
    const turn = (Math.atan2(down, dx) * 180) / Math.PI;
    return svg("path", { class: "oneway", d: "M-.8 0H.8M.3-.5.8 0 .3.5", transform: `translate(${(x1 + x2) / 2} ${this.#y((y1 + y2) / 2)}) rotate(${turn})` });
  }

  #places(legs) {
    return legs.filter(({ place }) => place && place.floor === this.floor).map(({ place }) => svg("circle", { class: "place", cx: place.x, cy: this.#y(place.y), r: 0.28 }));
  }

  #stops(legs) {
    const signs = [];
    for (const [index, { stop, label }] of legs.entries()) {
      if (stop.floor !== this.floor || label === null) continue;
      const near = signs.find((sign) => Math.hypot(sign.x - stop.x, sign.y - stop.y) < SHARED_STOP_M);
      if (near) near.label = near.label.endsWith("+") ? near.label : `${near.label}+`;
      else signs.push({ x: stop.x, y: stop.y, label, isFirst: index === 0 });
    }
    return signs.reverse().map(({ x, y, label, isFirst }) =>
      svg("g", { class: isFirst ? "stop first" : "stop" }, svg("circle", { cx: x, cy: this.#y(y), r: isFirst ? 0.95 : 0.7 }), this.#text(label, x, this.#y(y), null)),
    );
  }

  // The pieces of a path that lie on this floor, as points of polylines.
  #runs(path) {
    const runs = [[]];
    for (const spot of path) {
      if (spot.floor === this.floor) runs.at(-1).push(`${spot.x},${this.#y(spot.y)}`);
      else if (runs.at(-1).length) runs.push([]);
    }
    return runs.filter((run) => run.length > 1).map((run) => run.join(" "));
  }

  #rect([x1, y1, x2, y2], props) {
    return svg("rect", { x: x1, y: Math.min(this.#y(y1), this.#y(y2)), width: x2 - x1, height: y2 - y1, ...props });
  }

  #text(text, x, y, kind) {
    const node = svg("text", { x, y, class: kind });
    node.textContent = text;
    return node;
  }

  #draw(view, nameMax) {
    this.node.classList.toggle("near", view === "near");
    for (const name of this.#ground.querySelectorAll(".name")) name.setAttribute("transform", `${name.dataset.place} scale(${Math.min(Number(name.dataset.size), nameMax)})`);
  }

  #look(...box) {
    this.node.setAttribute("viewBox", box.map((value) => value.toFixed(2)).join(" "));
  }

  #y(y) {
    return this.#layout.y_axis === "up" ? -y : y;
  }

  #top(y1, y2) {
    return this.#layout.y_axis === "up" ? -y2 : y1;
  }
}

const arrowOf = (d) => svg("path", { class: "arrow", d });

/** A name in two lines of about the same length; a short one stays whole. */
function inTwo(name) {
  const middle = name.length / 2;
  const gaps = [...name.matchAll(/ /g)].map(({ index }) => index);
  if (name.length < 10 || gaps.length === 0) return [name];
  const gap = gaps.reduce((best, one) => (Math.abs(one - middle) < Math.abs(best - middle) ? one : best));
  return [name.slice(0, gap), name.slice(gap + 1)];
}
