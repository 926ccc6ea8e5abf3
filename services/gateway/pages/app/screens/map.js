// The store map: the next stop in large, the way to it on the plan, and each turn in words.

import { el, say, show, svg } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { StoreMap } from "../../shell/store_map.js";
import { metres, t, timeOfDay } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { empty } from "../parts.js";
import { Walk } from "../walk.js";

const NEAR_M = 13; // side of the square that "near me" shows
const PICTURES = [["left", "left"], ["right", "right"], ["around", "around"]];

/** Follows the cart until the shopper leaves the screen. */
export function mapScreen(app) {
  const next = el("section", { class: "card nextstop", "aria-live": "polite" });
  const plan = el("div", { class: "stack" });
  const steps = el("section", { class: "stack" });
  const node = el("div", { class: "stack mapscreen" }, plan, next, steps);
  show(next, el("p", { class: "soft" }, t("app.loading")));
  const walk = new Walk(app);
  const view = { map: null, isNear: false, floorChosen: false };

  const drawPlace = () => {
    if (!view.map) return;
    const { place } = walk;
    if (place && !view.floorChosen && place.floor !== view.map.floor) {
      view.map.showFloor(place.floor);
      drawWay(walk, view);
    }
    view.map.setCart(place, place?.isOld);
    if (view.isNear && place) view.map.showAround(place, NEAR_M);
    say(view.said, place?.isOld ? t("map.old", { time: timeOfDay(place.at) }) : "");
  };
  const redraw = async () => {
    drawWay(walk, view);
    await Promise.all([drawNext(app, next, walk), drawSteps(app, steps, walk.plan)]);
  };
  walk.addEventListener("place", drawPlace);
  walk.addEventListener("walk", redraw);
  loadPlan(app, plan, view, () => {
    drawWay(walk, view);
    drawPlace();
  });
  walk.start();
  return { title: t("map.title"), node, leave: () => walk.stop() };
}

async function loadPlan(app, place, view, redraw) {
  const answer = await app.session.call("GET", "/stores/plan");
  if (!answer.ok) {
    const again = el("button", { type: "button", class: "button quiet", onclick: () => loadPlan(app, place, view, redraw) }, t("app.again"));
    return show(place, el("p", { class: "note warn" }, icon("warning"), refusal(answer)), answer.code !== "no_layout" && again);
  }
  const map = new StoreMap(answer.body, t("map.plan"));
  view.map = map;
  view.said = el("p", { class: "small soft" });
  const zoom = [false, true].map((isNear) => el("button", { type: "button", "aria-pressed": String(isNear === view.isNear) }, t(isNear ? "map.near" : "map.whole")));
  for (const [index, button] of zoom.entries()) {
    button.addEventListener("click", () => {
      view.isNear = index === 1;
      for (const [other, one] of zoom.entries()) one.setAttribute("aria-pressed", String(other === index));
      map.showAll();
      redraw();
    });
  }
  const floors = map.floors.length > 1 && floorButtons(map, view, redraw);
  show(
    place,
    el("div", { class: "segments", role: "group", "aria-label": t("map.title") }, zoom),
    floors,
    map.node,
    legend(),
    view.said,
    answer.body.closed.length > 0 && el("p", { class: "small soft" }, t("map.closed")),
  );
  return redraw();
}

const LEGEND = [
  ["map.you", () => svg("g", { class: "me" }, svg("circle", { r: 0.62 }))],
  ["map.legend.next", () => svg("g", { class: "stop first" }, svg("circle", { r: 0.8 }))],
  ["map.legend.stop", () => svg("g", { class: "stop" }, svg("circle", { r: 0.7 }))],
  ["map.entrance", () => svg("rect", { class: "sign entrance", x: -0.7, y: -0.7, width: 1.4, height: 1.4, rx: 0.4 })],
  ["map.legend.checkout", () => svg("rect", { class: "sign", x: -0.7, y: -0.7, width: 1.4, height: 1.4, rx: 0.4 })],
];

const legend = () =>
  el("ul", { class: "legend small soft" }, LEGEND.map(([key, mark]) => el("li", {}, svg("svg", { class: "mapmark", viewBox: "-1 -1 2 2", "aria-hidden": "true" }, mark()), t(key))));

function floorButtons(map, view, redraw) {
  const buttons = map.floors.map((floor) => {
    const choose = () => {
      view.floorChosen = true;
      map.showFloor(floor);
      mark();
      redraw();
    };
    return el("button", { type: "button", onclick: choose }, t("map.floor", { floor }));
  });
  const mark = () => buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(map.floors[index] === map.floor)));
  mark();
  return el("div", { class: "segments", role: "group" }, buttons);
}

function drawWay({ plan }, { map }) {
  if (!map) return;
  if (!plan) return map.setWay([], null);
  const legs = plan.segments.map((leg, index) => ({ path: leg.path, stop: leg.destination, label: String(index + 1) }));
  if (plan.way_out) legs.push({ path: plan.way_out.path, stop: plan.way_out.destination, label: null });
  return map.setWay(legs, arrivalOf(plan)?.section_name ?? null);
}

const arrivalOf = (plan) => plan.instructions.find(({ kind }) => kind === "arrive");

async function drawNext(app, card, { plan, refused }) {
  if (!plan) return show(card, refused?.code === "no_layout" ? empty("map", t("map.none"), null) : el("p", { class: "note warn" }, icon("warning"), refusal(refused)));
  const [first] = plan.segments;
  if (!first) return drawDone(app, card, plan);
  const [detail, where] = await Promise.all([app.products.get(first.product_id), placeOf(app, first)]);
  const step = plan.instructions[0];
  return show(
    card,
    el("p", { class: "small soft" }, t("map.next")),
    el("p", { class: "big" }, detail?.product_name ?? ""),
    where && el("p", { class: "soft" }, where),
    step && el("p", { class: "turn" }, turnIcon(step), el("span", {}, step.text)),
    el("p", { class: "small soft" }, `${t("map.stops", { count: plan.segments.length })} · ${t("map.distance", { distance: metres(plan.total_distance) })}`),
    plan.skipped.length > 0 && (await skipped(app, plan)),
  );
}

async function drawDone(app, card, plan) {
  const answer = await app.session.call("GET", "/user/checklist");
  if (answer.ok && answer.body.items.length === 0) {
    return show(card, empty("list", t("map.nothing"), t("map.nothing.lead"), el("a", { class: "button quiet", href: "#/list" }, t("tab.list"))));
  }
  return show(
    card,
    el("p", { class: "small soft" }, t("map.all_found")),
    el("p", { class: "big" }, plan.way_out ? t("map.next.checkout", { name: plan.way_out.checkout }) : t("map.all_found")),
    plan.instructions[0] && el("p", { class: "turn" }, turnIcon(plan.instructions[0]), el("span", {}, plan.instructions[0].text)),
    plan.skipped.length > 0 && (await skipped(app, plan)),
  );
}

async function skipped(app, plan) {
  const products = await Promise.all(plan.skipped.map(({ product_id }) => app.products.get(product_id)));
  return el("p", { class: "small soft" }, t("map.skipped", { names: products.map((one) => one?.product_name).filter(Boolean).join(", ") }));
}

const places = new Map(); // product id -> words; where things stand changes rarely

async function placeOf(app, { product_id: productId, section_id: sectionId }) {
  if (!places.has(productId)) {
    const answer = await app.session.call("GET", `/cart/product_locations?product_ids=${productId}`);
    if (!answer.ok) return "";
    const found = answer.body.find((one) => one.section_id === sectionId) ?? answer.body[0];
    const section = found?.section?.section_name ?? "";
    places.set(productId, found?.aisle_num && found.shelf_num ? t("map.where", { section, aisle: found.aisle_num, shelf: found.shelf_num }) : section);
  }
  return places.get(productId);
}

function turnIcon(step) {
  if (step.kind === "arrive") return icon("arrive");
  if (step.kind === "floor_change") return icon("floors");
  return icon(PICTURES.find(([word]) => step.direction?.includes(word))?.[1] ?? "straight");
}

async function drawSteps(app, place, plan) {
  if (!plan || plan.instructions.length === 0) return show(place);
  const names = await Promise.all(plan.instructions.map(({ product_id: id }) => id && app.products.get(id)));
  const row = (step, index) =>
    el(
      "li",
      { class: step.kind === "arrive" ? "step arrived" : "step", "aria-current": index === 0 ? "step" : null },
      turnIcon(step),
      el("span", {}, names[index] && el("strong", {}, names[index].product_name), step.text),
    );
  return show(place, el("h2", {}, t("map.steps")), el("ol", { class: "card steps" }, plan.instructions.map(row)));
}
