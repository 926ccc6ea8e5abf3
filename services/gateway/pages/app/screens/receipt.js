// One receipt.

import { el } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { moment, money, t, toMinor } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { fetched } from "../parts.js";

/** The receipt of an order of this shopper. */
export function receiptScreen(app, orderId) {
  const place = el("div", { class: "stack" });
  const isNew = String(app.justPaid) === orderId;
  app.justPaid = null;
  const screen = { title: t("receipt.title", { number: "" }).trim(), node: place, back: isNew ? "cart" : "orders" };
  const path = `/orders/${encodeURIComponent(orderId)}/receipt`;
  const draw = (receipt) => {
    app.retitle((screen.title = t("receipt.title", { number: receipt.receipt_number })));
    return [isNew && thanks(receipt), slip(receipt), el("button", { type: "button", class: "button quiet noprint", onclick: () => print() }, icon("print"), t("receipt.print"))];
  };
  fetched(place, () => app.session.call("GET", path), draw, refusal);
  return screen;
}

function thanks(receipt) {
  return el(
    "div",
    { class: "card paid noprint", role: "status" },
    el("div", { class: "badge" }, icon("tick")),
    el("h2", {}, t("receipt.thanks")),
    el("p", { class: "soft" }, t("receipt.thanks.lead")),
    el("p", { class: "small soft" }, money(toMinor(receipt.total), receipt.currency)),
  );
}

function slip(receipt) {
  const amount = (major) => money(toMinor(major), receipt.currency);
  const line = (one) =>
    el(
      "li",
      {},
      el("span", {}, one.product_name),
      el("span", { class: "number" }, amount(one.total)),
      (one.quantity > 1 || one.unit_paid < one.unit_price) &&
        el("span", { class: "small soft" }, `${one.quantity} × ${amount(one.unit_paid)}`, one.unit_paid < one.unit_price && ` (${t("cart.was", { price: amount(one.unit_price) })})`),
    );
  const sum = (name, value, kind = "") => el("div", { class: `spread ${kind}` }, el("dt", {}, name), el("dd", { class: "number" }, value));
  return el(
    "div",
    { class: "card stack" },
    el("p", { class: "soft" }, `${t("receipt.store", { store: receipt.store })} · ${moment(receipt.issued_at)}`),
    receipt.incomplete && el("p", { class: "note warn" }, t("receipt.incomplete")),
    el("ul", { class: "slip" }, receipt.lines.map(line)),
    el(
      "dl",
      { class: "sums" },
      receipt.discount > 0 && sum(t("pay.subtotal"), amount(receipt.subtotal)),
      receipt.discount > 0 && sum(t("pay.discount"), amount(-receipt.discount)),
      sum(t("receipt.paid"), amount(receipt.total), "grand"),
      ...receipt.taxes.map((tax) => sum(t("receipt.tax", { rate: tax.rate }), amount(tax.tax), "small soft")),
    ),
  );
}
