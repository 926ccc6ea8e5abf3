// Past orders, newest first.

import { el, whileBusy } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { moment, money, t, toMinor } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { empty, fetched } from "../parts.js";

const PAGE = 20;

/** A page of orders, and more on demand. */
export function ordersScreen(app) {
  const place = el("div", { class: "stack" });
  const ask = (after) => app.session.call("GET", `/orders/history?limit=${PAGE}${after ? `&after=${after}` : ""}`);
  const draw = (orders) => {
    if (orders.length === 0) return [empty("receipt", t("orders.none"), null)];
    const list = el("ul", { class: "lines" }, orders.map(order));
    const more = el("button", { type: "button", class: "button quiet", hidden: orders.length < PAGE }, t("app.more"));
    let last = orders.at(-1).order_id;
    more.addEventListener("click", () =>
      whileBusy(more, async () => {
        const answer = await ask(last);
        if (!answer.ok) return app.tell(refusal(answer));
        list.append(...answer.body.map(order));
        last = answer.body.at(-1)?.order_id ?? last;
        more.hidden = answer.body.length < PAGE;
      }),
    );
    return [list, more];
  };
  fetched(place, () => ask(0), draw, refusal);
  return { title: t("orders.title"), node: place, back: "me" };
}

function order(one) {
  const names = one.items.map((item) => item.product_name).join(", ");
  return el(
    "li",
    {},
    el(
      "a",
      { class: "card linkrow", href: `#/orders/${one.order_id}` },
      icon("receipt"),
      el("span", {}, moment(one.ordered_at), el("br"), el("span", { class: "small soft clip" }, names)),
      el("span", { class: "number" }, money(toMinor(one.discounted_price), one.currency)),
      icon("next"),
    ),
  );
}
