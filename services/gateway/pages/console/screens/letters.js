// What was set aside: a table, and one letter with its bytes as text; a manager tries it again.

import { el, say, show, whileBusy } from "../../shell/dom.js";
import { openSheet } from "../../shell/sheet.js";
import { t } from "../../shell/words.js";
import { exactly, refusal } from "../wording.js";

const PAGE = 50;
const COLUMNS = ["reason", "cart", "number", "times", "bytes", "seen", "outcome", "show"];

/** As of when the screen was opened, and after each retry. */
export function lettersScreen(app) {
  const rows = el("tbody");
  const said = el("p", { class: "soft nothing", role: "status" }, t("app.loading"));
  const older = el("button", { type: "button", class: "button quiet", hidden: true }, t("app.older"));
  let before = null;
  const load = async (from) => {
    const answer = await app.desk.call("GET", `/dead_letters?limit=${PAGE}${from ? `&before=${from}` : ""}`);
    if (!answer.ok) return say(said, refusal(answer));
    const letters = answer.body.dead_letters;
    const made = letters.map((one) => letterRow(app, one, () => load(null)));
    if (from) rows.append(...made);
    else show(rows, made);
    before = letters.at(-1)?.dead_letter_id ?? null;
    older.hidden = letters.length < PAGE;
    said.hidden = rows.childElementCount > 0;
    return say(said, t("letters.none"));
  };
  older.addEventListener("click", () => whileBusy(older, () => load(before)));
  const head = COLUMNS.map((name) => el("th", { scope: "col" }, name === "show" ? el("span", { class: "unseen" }, t("letters.show")) : t(`letters.${name}`)));
  const node = el(
    "div",
    { class: "stack" },
    el("h1", { tabIndex: -1 }, t("letters.title")),
    el("p", { class: "soft" }, t("letters.lead")),
    el("div", { class: "card tablecard" }, el("table", {}, el("thead", {}, el("tr", {}, head)), rows), said),
    el("p", {}, older),
  );
  load(null);
  return { title: t("letters.title"), node };
}

function letterRow(app, letter, reload) {
  const open = el("button", { type: "button", class: "button quiet slim", "aria-label": `${t("letters.show")}: ${t("letters.one", { number: letter.dead_letter_id })}` }, t("letters.show"));
  open.addEventListener("click", () => whileBusy(open, () => showLetter(app, letter.dead_letter_id, reload)));
  const cart = letter.cart_id === null ? "–" : el("a", { href: `#/carts/${letter.cart_id}` }, t("cart.title", { cart: letter.cart_id }));
  return el(
    "tr",
    {},
    el("td", {}, el("span", { class: "mark quarantined" }, letter.reason), el("span", { class: "soft small code" }, letter.detail.slice(0, 80))),
    el("td", {}, cart),
    el("td", { class: "number" }, letter.epoch === null ? "–" : `${letter.epoch} / ${letter.seq}`),
    el("td", { class: "number" }, String(letter.occurrences)),
    el("td", { class: "number" }, String(letter.payload_bytes)),
    el("td", { class: "number" }, exactly(letter.last_seen_at)),
    el("td", {}, letter.outcome ?? "–"),
    el("td", {}, open),
  );
}

async function showLetter(app, number, reload) {
  const answer = await app.desk.call("GET", `/dead_letters/${number}`);
  if (!answer.ok) return app.tell(refusal(answer));
  const letter = answer.body;
  const result = el("p", { role: "status", class: "small" });
  const retry = el("button", { type: "button", class: "button" }, t("letters.retry"));
  retry.addEventListener("click", () =>
    whileBusy(retry, async () => {
      const tried = await app.desk.call("POST", `/dead_letters/${number}/retry`);
      say(result, tried.ok ? t("letters.retried", { outcome: tried.body.outcome }) : refusal(tried));
      reload();
    }),
  );
  const pairs = [
    ["letters.reason", letter.reason],
    ["letters.detail", letter.detail],
    ["letters.topic", letter.topic],
  ];
  return openSheet(
    t("letters.one", { number }),
    el("dl", { class: "facts lines" }, pairs.map(([term, words]) => el("div", {}, el("dt", {}, t(term)), el("dd", { class: "code" }, words || "–")))),
    el("div", {}, el("h3", {}, t("letters.payload")), el("pre", { tabIndex: 0 }, letter.payload)),
    result,
    app.desk.isManager ? retry : el("p", { class: "soft small" }, t("letters.manager")),
  );
}
