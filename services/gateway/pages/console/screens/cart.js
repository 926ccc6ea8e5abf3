// One cart: how it is, and everything it ever said, searched and paged.

import { el, say, show, whileBusy } from "../../shell/dom.js";
import { field } from "../../shell/field.js";
import { icon } from "../../shell/icons.js";
import { money, t } from "../../shell/words.js";
import { ago, exactly, marksOf, refusal, stateOf } from "../wording.js";

const TYPING_PAUSE_MS = 300;
const COLUMNS = ["number", "when", "what", "goods", "from", "became"];
const VERDICTS = ["applied", "refused", "late", "quarantined"];

/** Facts follow the store; the log is as of when it was asked for, and asked for again when the cart says something. */
export function cartScreen(app, cartId) {
  const facts = el("dl", { class: "facts" });
  const marks = el("p", { class: "marks" });
  const log = eventLog(app, cartId);
  const refused = refusedByBroker(app, cartId);
  let seen = null;
  const update = () => {
    const { live } = app.desk;
    const cart = live.carts.find((one) => one.cart_id === cartId);
    if (!cart) return show(facts, el("p", { class: "soft" }, t("cart.gone", { cart: cartId })));
    show(facts, factsOf(app, cart));
    show(marks, marksOf(cart, live.alerts, live.at).map(([kind, text]) => el("span", { class: `mark ${kind}` }, text)));
    const news = JSON.stringify([cart.session, cart.gap_since, live.alerts.length]);
    if (seen !== null && seen !== news) log.refresh();
    seen = news;
    return undefined;
  };
  const node = el(
    "div",
    { class: "stack" },
    el("a", { class: "back", href: "#/carts" }, icon("back"), t("cart.back")),
    el("div", { class: "row" }, el("h1", { tabIndex: -1 }, t("cart.title", { cart: cartId })), marks),
    el("section", { class: "card" }, facts),
    refused.node,
    log.node,
  );
  log.refresh();
  refused.refresh();
  return { title: t("cart.title", { cart: cartId }), node, update, leave: log.leave };
}

/** What is known about a cart, as pairs of terms and words. */
export function factsOf(app, cart) {
  const { live, operator } = app.desk;
  const state = stateOf(cart, live.at);
  const session = cart.session;
  const trip = session
    ? `${t("floor.items", { count: session.items })}, ${money(session.total_minor, operator.currency)}, ${t(session.has_phone ? "cart.phone" : "cart.nophone")}, ${t("cart.since", { when: ago(session.opened_at, live.at) })}`
    : t("cart.free");
  const pairs = [
    ["carts.state", el("span", { class: `state ${state}` }, t(state === "silent" ? "cart.offline" : "cart.online"))],
    ["carts.trip", trip],
    ["carts.seen", ago(cart.seen_at, live.at)],
    ["carts.battery", cart.battery_pct === null ? t("cart.unknown") : `${cart.battery_pct} %`],
    ["carts.firmware", cart.firmware ?? t("cart.unknown")],
    ["cart.signal", cart.rssi_dbm === null ? t("cart.unknown") : `${cart.rssi_dbm} dBm`],
    ["cart.journal", cart.journal_length ?? t("cart.unknown")],
    ["carts.place", cart.x === null ? t("cart.unknown") : `${cart.x.toFixed(1)}, ${cart.y.toFixed(1)} (${ago(cart.located_at, live.at)})`],
  ];
  return pairs.map(([term, words]) => el("div", {}, el("dt", {}, t(term)), el("dd", {}, words)));
}

/** What the broker refused the cart: its firmware's mistakes. Hidden while there are none. */
function refusedByBroker(app, cartId) {
  const rows = el("tbody");
  const head = ["act", "reason", "topic", "times", "last"].map((name) => el("th", { scope: "col" }, t(`refused.${name}`)));
  const node = el(
    "section",
    { class: "stack", hidden: true },
    el("h2", {}, t("refused.title")),
    el("div", { class: "card tablecard" }, el("table", {}, el("thead", {}, el("tr", {}, head)), rows)),
  );
  const refresh = async () => {
    const answer = await app.desk.call("GET", `/carts/${cartId}/refused`);
    if (!answer.ok) return;
    node.hidden = answer.body.refused.length === 0;
    show(rows, answer.body.refused.map(refusedRow));
  };
  return { node, refresh };
}

function refusedRow(one) {
  return el(
    "tr",
    {},
    el("td", {}, t(`refused.act.${one.act}`)),
    el("td", {}, one.reason.replaceAll("_", " "), one.detail && el("span", { class: "soft small" }, ` ${one.detail}`)),
    el("td", { class: "code" }, one.topic || "–"),
    el("td", { class: "number" }, `${one.times}`),
    el("td", { class: "number" }, exactly(one.last_at)),
  );
}

function eventLog(app, cartId) {
  let timer = 0;
  let asked = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, TYPING_PAUSE_MS);
  };
  const words = el("input", { type: "search", maxLength: 60, oninput: soon });
  const options = [["", t("cart.verdict.all")], ...VERDICTS.map((one) => [one, t(`verdict.${one}`)])];
  const verdict = el("select", { onchange: () => refresh() }, options.map(([value, text]) => el("option", { value }, text)));
  const rows = el("tbody");
  const said = el("p", { class: "soft nothing", role: "status" });
  const older = el("button", { type: "button", class: "button quiet", hidden: true }, t("app.older"));
  let next = null;

  const load = async (after) => {
    const mine = (asked += 1);
    const query = new URLSearchParams({ limit: 50 });
    if (words.value.trim()) query.set("search", words.value.trim());
    if (verdict.value) query.set("verdict", verdict.value);
    if (after) query.set("after", after);
    const answer = await app.desk.call("GET", `/carts/${cartId}/events?${query}`);
    if (mine !== asked) return;
    if (!answer.ok) return say(said, refusal(answer));
    const made = answer.body.events.map(eventRow);
    if (after) rows.append(...made);
    else show(rows, made);
    say(said, rows.childElementCount ? "" : t("cart.log.none"));
    said.hidden = rows.childElementCount > 0;
    next = answer.body.next;
    older.hidden = next === null;
    return undefined;
  };
  const refresh = () => load(null);
  older.addEventListener("click", () => whileBusy(older, () => load(next)));
  const node = el(
    "section",
    { class: "stack" },
    el("h2", {}, t("cart.log")),
    el("div", { class: "filters" }, field("log-words", t("cart.search"), t("cart.search.hint"), words), field("log-verdict", t("cart.verdict"), null, verdict)),
    el("div", { class: "card tablecard" }, el("table", {}, el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, t(`log.${name}`))))), rows), said),
    el("p", {}, older),
  );
  return { node, refresh, leave: () => clearTimeout(timer) };
}

function eventRow(event) {
  const [epoch, seq, sub] = event.key.split("-");
  const number = `${epoch} / ${seq}${sub === "0" ? "" : ` + ${sub}`}`;
  const pieces = event.quantity === null ? "" : `${event.quantity} × `;
  const weight = event.total_g ?? event.weight_g;
  const goods = event.product_name ?? event.code;
  return el(
    "tr",
    {},
    el("td", { class: "number" }, number),
    el("td", { class: "number" }, exactly(event.received_at), event.ts_suspect && el("span", { class: "mark gap" }, t("log.clock"))),
    el("td", {}, t(`event.${event.type}`)),
    el("td", {}, goods ? `${pieces}${goods}` : weight === null ? "–" : `${weight} g`, goods && event.code && el("span", { class: "soft small code" }, event.code)),
    el("td", {}, t(`source.${event.source}`)),
    el("td", {}, el("span", { class: `mark ${event.verdict}` }, t(`verdict.${event.verdict}`)), event.reason && el("span", { class: "soft small" }, ` ${event.reason}`)),
  );
}
