// The store at a glance: the plan with its carts, the calls, and how events arrive.

import { el, keepList, say, show } from "../../shell/dom.js";
import { send } from "../../shell/http.js";
import { t } from "../../shell/words.js";
import { blockRow, closingBar, showBlock } from "../closing.js";
import { FloorPlan, legend } from "../floor_plan.js";
import { ingestCharts } from "../ingest_charts.js";
import { queue, tallies } from "../queue.js";
import { refusal } from "../wording.js";
import { factsOf } from "./cart.js";

/** Follows the store every two seconds. */
export function floorScreen(app) {
  const place = el("section", { class: "card plancard" }, el("p", { class: "soft" }, t("app.loading")));
  const chosen = el("section", { class: "card stack chosen", hidden: true });
  const closed = el("section", { class: "card stack", hidden: true }, el("h2", {}, t("block.listed")), el("ul", { class: "items" }));
  const [calls, numbers, charts] = [queue(app), tallies(app), ingestCharts(app)];
  const unplaced = el("p", { class: "small soft" });
  let plan = null;
  let asked = null;

  const update = () => {
    const { live } = app.desk;
    if (!live) return;
    numbers.update();
    calls.update();
    drawChosen(app, chosen);
    if (asked !== live.store) fetchPlan();
    if (!plan) return;
    const count = plan.update(live, app.selected);
    say(unplaced, count ? t("floor.unplaced", { count }) : "");
    closed.hidden = live.blocks.length === 0;
    const key = (one) => `${one.block_id}`;
    keepList(closed.querySelector("ul"), live.blocks, key, (one) => blockRow(app, plan, one), () => {});
  };
  const fetchPlan = async () => {
    asked = app.desk.live.store;
    const answer = await send("GET", `/stores/${asked}/plan`);
    if (!answer.ok) return show(place, el("p", { class: "soft" }, answer.status === 404 ? t("floor.none") : refusal(answer)));
    plan = new FloorPlan(answer.body);
    plan.addEventListener("cart", ({ detail }) => app.select(detail));
    plan.addEventListener("block", ({ detail }) => showBlock(app, plan, detail));
    const { button, bar } = closingBar(app, plan);
    show(place, el("div", { class: "planhead" }, bar, legend(), floorButtons(plan, update), button), plan.node, unplaced);
    return update();
  };
  app.select = (cartId) => {
    app.selected = app.selected === cartId ? null : cartId;
    update();
    if (app.selected !== null) chosen.scrollIntoView({ block: "nearest" });
  };
  const node = el(
    "div",
    { class: "overview" },
    el("h1", { class: "unseen", tabIndex: -1 }, t("floor.title")),
    place,
    el("div", { class: "side" }, numbers.node, chosen, calls.node, closed, charts.node),
  );
  return { title: t("floor.title"), node, update, leave: charts.stop };
}

function drawChosen(app, card) {
  const cart = app.desk.live.carts.find((one) => one.cart_id === app.selected);
  card.hidden = !cart;
  if (!cart) return;
  const key = JSON.stringify([cart, app.desk.live.at]);
  if (card.dataset.key === key) return;
  card.dataset.key = key;
  let facts = card.querySelector("dl");
  if (card.dataset.cart !== String(cart.cart_id)) {
    card.dataset.cart = String(cart.cart_id);
    facts = el("dl", { class: "facts narrow" });
    const close = el("button", { type: "button", class: "button bare slim", onclick: () => app.select(cart.cart_id) }, t("app.close"));
    show(card, el("div", { class: "spread middle" }, el("h2", {}, t("cart.title", { cart: cart.cart_id })), close), facts, el("a", { href: `#/carts/${cart.cart_id}` }, t("cart.open")));
  }
  show(facts, factsOf(app, cart));
}

function floorButtons(plan, update) {
  if (plan.floors.length < 2) return null;
  const buttons = plan.floors.map((floor) => {
    const choose = () => {
      plan.showFloor(floor);
      mark();
      update();
    };
    return el("button", { type: "button", class: "button quiet slim", onclick: choose }, t("floor.level", { floor }));
  });
  const mark = () => buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(plan.floors[index] === plan.floor)));
  mark();
  return el("div", { class: "row", role: "group" }, buttons);
}
