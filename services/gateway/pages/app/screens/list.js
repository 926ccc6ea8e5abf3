// The shopping list: searched into, ticked by the cart itself, with what is on offer below.

import { el, keepList, say, show, whileBusy } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { randomKey } from "../../shell/random_key.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { tickedBy } from "../checklist.js";
import { empty, price, tile } from "../parts.js";
import { productSheet, putOnList } from "../product_sheet.js";

const SEARCH_AFTER_MS = 250; // of quiet
const FOUND_MAX = 20;
const OFFERS_MAX = 12;

/** Search field on top, the list below it. */
export function listScreen(app) {
  const currency = () => app.live.cart?.currency ?? "EUR";
  const node = el("div", { class: "stack" });
  const found = el("section", { class: "stack", "aria-live": "polite", hidden: true });
  const mine = el("section", { class: "stack" });
  const offers = el("section", { class: "stack", hidden: true });
  let items = null;

  const load = async () => {
    const answer = await app.session.call("GET", "/user/checklist");
    if (answer.ok) items = answer.body.items;
    else if (items === null) return show(mine, el("p", { class: "note warn" }, icon("warning"), refusal(answer)), againButton(load));
    return draw();
  };
  const lists = listParts(app, currency, load);
  const draw = () => {
    if (items === null) return;
    const now = tickedBy(items, app.live.cart);
    if (now.length === 0) show(mine, empty("list", t("list.none"), t("list.none.lead")));
    else {
      if (!mine.contains(lists.node)) show(mine, lists.node);
      lists.draw(now);
    }
  };
  const add = async (product) => (await putOnList(app, product)) && load();
  const search = searchField(app, currency, found, [mine, offers], add);
  show(node, search, found, mine, offers);
  show(mine, el("p", { class: "soft" }, t("app.loading")));
  load();
  loadOffers(app, currency, offers, add);
  app.live.addEventListener("change", draw);
  return { title: t("list.title"), node, leave: () => app.live.removeEventListener("change", draw) };
}

const againButton = (act) => el("button", { type: "button", class: "button quiet", onclick: act }, t("app.again"));

function listParts(app, currency, reload) {
  const progress = el("p", { class: "soft", role: "status" });
  const way = el("a", { class: "button quiet", href: "#/map" }, icon("map"), t("list.way"));
  const todo = el("ul", { class: "lines" });
  const done = el("ul", { class: "lines" });
  const doneTitle = el("h2", {}, t("list.done"));
  const draw = (items) => {
    const open = items.filter((item) => !item.ticked);
    const ticked = items.filter((item) => item.ticked);
    say(progress, t("list.progress", { done: ticked.length, all: items.length }));
    way.hidden = open.length === 0;
    doneTitle.hidden = ticked.length === 0;
    for (const [list, of] of [[todo, open], [done, ticked]]) {
      keepList(list, of, (item) => item.product_id, (item) => listRow(app, item, currency, reload), updateRow);
      list.hidden = of.length === 0;
    }
  };
  return { node: el("div", { class: "stack" }, el("div", { class: "spread middle" }, progress, way), todo, doneTitle, done), draw };
}

function listRow(app, item, currency, reload) {
  const { product } = item;
  const remove = async () => {
    const answer = await app.session.call("POST", "/user/checklist/remove", { body: { product_id: item.product_id }, key: randomKey() });
    if (!answer.ok && answer.code !== "not_on_checklist") app.tell(refusal(answer));
    await reload();
  };
  const bin = el("button", { type: "button", class: "round", "aria-label": t("list.remove", { name: product.product_name }) }, icon("bin"));
  bin.addEventListener("click", () => whileBusy(bin, remove));
  const have = el("span", { class: "soft small" });
  const row = el(
    "li",
    { class: "card line" },
    el("span", { class: "tickmark" }, icon("tick")),
    el("button", { type: "button", class: "name", onclick: () => productSheet(app, item.product_id) }, product.product_name),
    bin,
    el("div", { class: "under" }, have, price(product, currency())),
  );
  row.parts = { have };
  return row;
}

function updateRow(row, item) {
  row.classList.toggle("ticked", item.ticked);
  say(row.parts.have, t("list.have", { have: item.have, want: item.quantity }));
}

function searchField(app, currency, found, others, add) {
  let timer = 0;
  let newest = 0;
  const search = async () => {
    const query = input.value.trim();
    const mine = ++newest;
    const isOn = query.length > 0;
    for (const other of others) other.classList.toggle("aside", isOn);
    found.hidden = !isOn;
    if (!isOn) return show(found);
    const answer = await app.session.call("GET", `/products/search?limit=${FOUND_MAX}&query=${encodeURIComponent(query)}`);
    if (mine !== newest) return undefined;
    if (!answer.ok) return show(found, el("p", { class: "note warn" }, icon("warning"), refusal(answer)));
    const { results } = answer.body;
    const title = results.length ? t("list.found", { count: results.length }) : t("list.found.none", { query });
    return show(found, el("p", { class: "soft" }, title), el("ul", { class: "lines" }, results.map((one) => foundRow(app, one, currency, add))));
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(search, SEARCH_AFTER_MS);
  };
  const input = el("input", { type: "search", id: "search", placeholder: t("list.search.hint"), autocomplete: "off", maxLength: 100, enterKeyHint: "search", oninput: later });
  const submit = (event) => {
    event.preventDefault();
    clearTimeout(timer);
    search();
  };
  return el(
    "form",
    { class: "field search", role: "search", onsubmit: submit },
    el("label", { class: "unseen", htmlFor: "search" }, t("list.search")),
    input,
    icon("search"),
  );
}

function addButton(product, add) {
  const button = el("button", { type: "button", class: "round adds", "aria-label": t("list.add", { name: product.product_name }) }, icon("plus"));
  button.addEventListener("click", () => whileBusy(button, () => add(product)));
  return button;
}

function foundRow(app, product, currency, add) {
  return el(
    "li",
    { class: "card line" },
    tile(product),
    el("button", { type: "button", class: "name", onclick: () => productSheet(app, product.product_id) }, product.product_name),
    addButton(product, add),
    el("div", { class: "under" }, el("span", { class: "small soft" }, product.brand ?? ""), price(product, currency())),
  );
}

async function loadOffers(app, currency, place, add) {
  const answer = await app.session.call("GET", `/products/offers?limit=${OFFERS_MAX}`);
  if (!answer.ok || answer.body.offers.length === 0) return;
  const card = (product) =>
    el(
      "li",
      { class: "card" },
      el("div", { class: "spread" }, tile(product), addButton(product, add)),
      el("button", { type: "button", class: "name", onclick: () => productSheet(app, product.product_id) }, product.product_name),
      el("p", { class: "small soft" }, product.offer_name ?? ""),
      price(product, currency()),
    );
  show(place, el("h2", {}, t("list.offers")), el("ul", { class: "offers", tabIndex: 0, "aria-label": t("list.offers") }, answer.body.offers.map(card)));
  place.hidden = false;
}
