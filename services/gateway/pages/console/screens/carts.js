// Every cart of the store as a table, with a filter.

import { el, keepList, say, show } from "../../shell/dom.js";
import { field } from "../../shell/field.js";
import { money, t } from "../../shell/words.js";
import { ago, marksOf, stateOf } from "../wording.js";

const COLUMNS = ["cart", "state", "trip", "battery", "seen", "firmware", "place", "marks"];
const FITS = {
  all: () => true,
  used: (cart) => cart.session !== null,
  marked: (_, marks) => marks.length > 0,
  offline: (_, __, state) => state === "silent",
};

/** The table follows the store; the filter stays. */
export function cartsScreen(app) {
  const words = el("input", { type: "search", oninput: () => update() });
  const which = el("select", { onchange: () => update() }, Object.keys(FITS).map((key) => el("option", { value: key }, t(`carts.${key}`))));
  const rows = el("tbody");
  const count = el("p", { class: "soft small", role: "status" });
  const none = el("p", { class: "soft nothing", hidden: true }, t("carts.none"));
  const table = el("table", {}, el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, t(`carts.${name}`))))), rows);

  const update = () => {
    const { live } = app.desk;
    if (!live) return;
    const typed = words.value.trim().toLowerCase();
    const shown = live.carts
      .map((cart) => ({ cart, marks: marksOf(cart, live.alerts, live.at), state: stateOf(cart, live.at) }))
      .filter(({ cart }) => !typed || String(cart.cart_id) === typed || cart.firmware?.toLowerCase().includes(typed))
      .filter(({ cart, marks, state }) => FITS[which.value](cart, marks, state));
    say(count, t("carts.count", { count: shown.length }));
    none.hidden = shown.length > 0;
    keepList(rows, shown, ({ cart }) => cart.cart_id, makeRow, (row, one) => fillRow(app, row, one));
  };
  const node = el(
    "div",
    { class: "stack" },
    el("div", { class: "spread middle" }, el("h1", { tabIndex: -1 }, t("carts.title")), count),
    el("div", { class: "filters" }, field("carts-words", t("carts.filter"), t("carts.filter.hint"), words), field("carts-which", t("carts.show"), null, which)),
    el("div", { class: "card tablecard" }, table, none),
  );
  return { title: t("carts.title"), node, update };
}

function makeRow({ cart }) {
  const link = el("a", { href: `#/carts/${cart.cart_id}` }, t("cart.title", { cart: cart.cart_id }));
  return el("tr", {}, el("th", { scope: "row" }, link), COLUMNS.slice(1).map(() => el("td")));
}

function fillRow(app, row, { cart, marks, state }) {
  const [stateCell, trip, battery, seen, firmware, place, markCell] = [...row.cells].slice(1);
  const word = state === "silent" ? t("cart.offline") : t(`cart.${state}`);
  if (stateCell.textContent !== word) show(stateCell, el("span", { class: `state ${state}` }, word));
  say(trip, cart.session ? `${t("floor.items", { count: cart.session.items })}, ${money(cart.session.total_minor, app.desk.operator.currency)}` : "–");
  say(battery, cart.battery_pct === null ? "–" : `${cart.battery_pct} %`);
  say(seen, ago(cart.seen_at, app.desk.live.at));
  say(firmware, cart.firmware ?? "–");
  say(place, cart.x === null ? "–" : `${cart.x.toFixed(1)}, ${cart.y.toFixed(1)}`);
  const key = JSON.stringify(marks);
  if (markCell.dataset.marks !== key) {
    markCell.dataset.marks = key;
    show(markCell, marks.map(([kind, text]) => el("span", { class: `mark ${kind}` }, text)));
  }
}
