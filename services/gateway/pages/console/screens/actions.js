// What operators did.

import { el, say, show, whileBusy } from "../../shell/dom.js";
import { t } from "../../shell/words.js";
import { exactly, refusal } from "../wording.js";

const PAGE = 50;
const COLUMNS = ["when", "who", "what", "subject"];

/** As of when the screen was opened. */
export function actionsScreen(app) {
  const rows = el("tbody");
  const said = el("p", { class: "soft nothing", role: "status" }, t("app.loading"));
  const older = el("button", { type: "button", class: "button quiet", hidden: true }, t("app.older"));
  let before = null;
  const load = async (from) => {
    const answer = await app.desk.call("GET", `/actions?limit=${PAGE}${from ? `&before=${from}` : ""}`);
    if (!answer.ok) return say(said, refusal(answer));
    const made = answer.body.actions.map(actionRow);
    if (from) rows.append(...made);
    else show(rows, made);
    before = answer.body.actions.at(-1)?.action_id ?? null;
    older.hidden = answer.body.actions.length < PAGE;
    said.hidden = rows.childElementCount > 0;
    return say(said, t("actions.none"));
  };
  older.addEventListener("click", () => whileBusy(older, () => load(before)));
  const node = el(
    "div",
    { class: "stack" },
    el("h1", { tabIndex: -1 }, t("actions.title")),
    el("p", { class: "soft" }, t("actions.lead")),
    el("div", { class: "card tablecard" }, el("table", {}, el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, t(`actions.${name}`))))), rows), said),
    el("p", {}, older),
  );
  load(null);
  return { title: t("actions.title"), node };
}

function actionRow(action) {
  return el(
    "tr",
    {},
    el("td", { class: "number" }, exactly(action.at)),
    el("td", {}, el("strong", {}, action.operator)),
    el("td", {}, t(`action.${action.action}`)),
    el("td", {}, subjectOf(action)),
  );
}

function subjectOf({ action, subject_id: number, cart_id: cart, detail }) {
  const words = action.endsWith("_alert") ? t(`kind.${detail}`) : detail;
  const whose = cart === null ? null : el("a", { href: `#/carts/${cart}` }, t("cart.title", { cart }));
  const rest = [number && cart === null ? t(`subject.${action}`, { number }) : "", words].filter(Boolean).join(": ");
  return [whose, whose && rest ? ", " : "", rest || (whose ? "" : "–")].filter(Boolean);
}
