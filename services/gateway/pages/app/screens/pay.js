// Checkout: a summary, one tap, and the same key with each try, so that nobody pays twice.

import { el, say, whileBusy } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { randomKey } from "../../shell/random_key.js";
import { openSheet } from "../../shell/sheet.js";
import { money, t } from "../../shell/words.js";
import { refusal } from "../announcements.js";

const WAIT_FOR_SCANS_TRIES = 40; // a gap is waited for by the backend for a minute at most
const keys = new Map(); // trip -> key of its checkout

/** Open the summary; it follows the cart while it is open. */
export function paySheet(app) {
  const sums = el("dl", { class: "sums" });
  const warned = el("p", { class: "note bad", hidden: true });
  const said = el("p", { class: "note", role: "status", hidden: true });
  const confirm = el("button", { type: "button", class: "button wide", id: "confirm" });
  const keep = el("button", { type: "button", class: "button bare wide", onclick: () => sheet.close() }, t("pay.keep"));
  const sheet = openSheet(t("pay.title"), sums, warned, said, confirm, keep);
  const draw = () => {
    const cart = app.live.cart;
    if (!cart) return;
    const amount = (minor) => money(minor, cart.currency);
    sums.replaceChildren(
      sum(t("cart.items", { count: cart.pieces }), ""),
      ...(cart.discountMinor > 0 ? [sum(t("pay.subtotal"), amount(cart.subtotalMinor)), sum(t("pay.discount"), amount(-cart.discountMinor))] : []),
      sum(t("pay.total"), amount(cart.totalMinor), "grand"),
    );
    say(confirm, t("pay.confirm", { amount: amount(cart.totalMinor) }));
    confirm.disabled = cart.pieces === 0;
    const names = [...new Set(cart.lines.flatMap((line) => app.products.peek(line.productId)?.warnings ?? []).filter(({ kind }) => kind === "contains").map((one) => one.allergy_name))];
    warned.hidden = names.length === 0;
    warned.replaceChildren(icon("warning"), t("pay.warnings", { names: names.join(", ") }));
  };
  app.live.addEventListener("change", draw);
  sheet.addEventListener("close", () => app.live.removeEventListener("change", draw));
  confirm.addEventListener("click", () => whileBusy(confirm, () => payNow(app, sheet, said)));
  draw();
}

const sum = (name, amount, kind = "") => el("div", { class: `spread ${kind}` }, el("dt", {}, name), el("dd", { class: "number" }, amount));

async function payNow(app, sheet, said) {
  const trip = app.live.cart?.sessionId;
  if (!trip) return sheet.close();
  if (!keys.has(trip)) keys.set(trip, randomKey());
  const tell = (text) => {
    say(said, text);
    said.hidden = !text;
  };
  app.isPaying = true;
  try {
    for (let tries = 0; tries < WAIT_FOR_SCANS_TRIES && sheet.open; tries += 1) {
      const answer = await app.session.call("POST", "/orders/checkout", { key: keys.get(trip) });
      if (answer.ok) return paid(app, sheet, answer.body.order_id);
      if (answer.code !== "gap_open" && answer.code !== "still_running") return tell(answer.code === "offline" ? t("pay.offline") : refusal(answer));
      tell(t("pay.waiting"));
      await new Promise((resolve) => setTimeout(resolve, (answer.retryAfterS ?? 2) * 1000));
    }
    return tell(sheet.open ? t("error.gap_open") : "");
  } finally {
    app.isPaying = false;
  }
}

function paid(app, sheet, orderId) {
  sheet.close();
  app.justPaid = orderId;
  app.live.endTrip();
  app.go(`orders/${orderId}`);
}
