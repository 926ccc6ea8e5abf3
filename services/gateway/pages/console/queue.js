// The calls that wait for staff: taken by one, resolved by anybody.

import { el, keepList, say, show, whileBusy } from "../shell/dom.js";
import { icon } from "../shell/icons.js";
import { t } from "../shell/words.js";
import { ago, refusal, stateOf } from "./wording.js";

/** A card with the open alerts: what nobody has taken first, help before everything else, then the oldest. */
export function queue(app) {
  const list = el("ul", { class: "queue", "aria-label": t("queue.title") });
  const empty = el("p", { class: "soft", hidden: true }, t("queue.empty"));
  const node = el("section", { class: "card stack" }, el("h2", {}, t("queue.title")), list, empty);
  const update = () => {
    const { alerts } = app.desk.live;
    const rank = (one) => (one.claimed_by === null ? 0 : 2) + (one.kind === "help" ? 0 : 1);
    const sorted = [...alerts].sort((one, other) => rank(one) - rank(other));
    empty.hidden = alerts.length > 0;
    keepList(list, sorted, (one) => one.alert_id, (one) => makeCall(app, one), (item, one) => fillCall(app, item, one));
  };
  return { node, update };
}

function makeCall(app, alert) {
  const act = (deed, button) => () =>
    whileBusy(button, async () => {
      const answer = await app.desk.call("POST", `/alerts/${alert.alert_id}/${deed}`);
      if (!answer.ok) app.tell(answer.detail || refusal(answer));
      await app.desk.ask();
    });
  const whose = t("cart.title", { cart: alert.cart_id });
  const button = (deed, look) => {
    const made = el("button", { type: "button", class: `button slim ${look}`, "aria-label": `${t(`queue.${deed}`)}: ${t(`kind.${alert.kind}`)}, ${whose}` }, t(`queue.${deed}`));
    made.dataset.deed = deed;
    made.addEventListener("click", act(deed, made));
    return made;
  };
  const choose = (event) => {
    event.preventDefault();
    app.select(alert.cart_id);
  };
  return el(
    "li",
    { class: `call ${alert.kind}` },
    icon(alert.kind === "help" ? "person" : "warning"),
    el("div", { class: "words" }, el("strong", {}, t(`kind.${alert.kind}`)), el("p", { class: "small" }, el("a", { href: `#/carts/${alert.cart_id}`, onclick: choose }, whose), el("span", { class: "soft when" })), el("p", { class: "small holder", hidden: true })),
    el("div", { class: "deeds" }, button("claim", "quiet"), button("resolve", "")),
    alert.kind !== "help" && el("p", { class: "small soft lead" }, t(`kind.${alert.kind}.lead`)),
  );
}

function fillCall(app, item, alert) {
  const { operator, live } = app.desk;
  const times = alert.times > 1 ? ` · ${t("queue.times", { count: alert.times })}` : "";
  say(item.querySelector(".when"), ` · ${ago(alert.raised_at, live.at)}${times}`);
  const holder = item.querySelector(".holder");
  holder.hidden = alert.claimed_by === null;
  say(holder, alert.claimed_by === operator.name ? t("queue.yours") : t("queue.claimed", { name: alert.claimed_by ?? "" }));
  item.querySelector("[data-deed=claim]").hidden = alert.claimed_by !== null;
  item.classList.toggle("taken", alert.claimed_by !== null);
}

/** Small numbers about the store as a whole. */
export function tallies(app) {
  const node = el("div", { class: "tallies" });
  const update = () => {
    const { carts, alerts, at } = app.desk.live;
    const online = carts.filter((one) => stateOf(one, at) !== "silent").length;
    const used = carts.filter((one) => one.session);
    const items = used.reduce((sum, one) => sum + one.session.items, 0);
    const waiting = alerts.filter((one) => one.claimed_by === null).length;
    const rows = [
      ["floor.online", online, t("floor.of", { count: carts.length })],
      ["floor.used", used.length, t("floor.items", { count: items })],
      ["floor.waiting", waiting, t("floor.claimed", { count: alerts.length - waiting })],
    ];
    const key = JSON.stringify(rows);
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    show(node, rows.map(([label, number, more]) => el("div", { class: "card tally" }, el("span", { class: "small soft" }, t(label)), el("strong", { class: "number" }, String(number)), el("span", { class: "small soft" }, more))));
  };
  return { node, update };
}
