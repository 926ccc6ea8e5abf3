// Leaving the cart, with a question when unpaid goods are in it.

import { el, whileBusy } from "../../shell/dom.js";
import { randomKey } from "../../shell/random_key.js";
import { openSheet } from "../../shell/sheet.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";

/** Ask, then leave. */
export function leaveSheet(app) {
  const hasGoods = (app.live.cart?.pieces ?? 0) > 0;
  const leave = el("button", { type: "button", class: "button danger wide" }, t(hasGoods ? "cart.leave.yes" : "cart.leave"));
  const stay = el("button", { type: "button", class: "button quiet wide", onclick: () => sheet.close() }, t("app.cancel"));
  const sheet = openSheet(t("cart.leave.title"), hasGoods && el("p", {}, t("cart.leave.goods")), leave, stay);
  leave.addEventListener("click", () => whileBusy(leave, () => leaveCart(app, sheet, hasGoods)));
}

async function leaveCart(app, sheet, abandon) {
  app.isPaying = true;
  const answer = await app.session.call("POST", abandon ? "/cart/disconnect?abandon=true" : "/cart/disconnect", { key: randomKey() });
  if (answer.ok || answer.code === "no_cart") {
    sheet.close();
    app.live.endTrip();
    app.tell(t("cart.left"));
  } else app.tell(refusal(answer));
  app.isPaying = false;
  app.live.refresh();
}
