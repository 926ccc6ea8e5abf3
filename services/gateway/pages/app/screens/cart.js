// The live cart: its lines with quantities, what needs attention, and the sum with the way to pay.

import { el, keepList, say, show } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { money, t } from "../../shell/words.js";
import { cartLine, updateCartLine } from "../cart_line.js";
import { empty } from "../parts.js";
import { leaveSheet } from "./leave.js";
import { paySheet } from "./pay.js";
import { takePart } from "./take.js";

/** The screen for a shopper with a cart, and for one without. */
export function cartScreen(app) {
  const node = el("div", { class: "stack" });
  const screen = { title: t("take.title"), node, bar: null };
  let trip; // which the parts below were made for; undefined while nobody knows
  let parts = null;

  const draw = () => {
    const { cart } = app.live;
    const now = cart === undefined ? undefined : (cart?.sessionId ?? null);
    if (parts === null || now !== trip) {
      trip = now;
      parts = cart ? holdingParts(app) : waitingParts(app, cart);
      screen.title = cart ? t("cart.title", { cart: cart.cartId }) : t("take.title");
      screen.bar = parts.bar;
      show(node, parts.node);
      app.retitle(screen.title);
      app.showBar(parts.bar);
    }
    parts.draw?.(cart);
  };
  app.live.addEventListener("change", draw);
  screen.leave = () => app.live.removeEventListener("change", draw);
  draw();
  return screen;
}

function waitingParts(app, cart) {
  if (cart === undefined) return { node: el("p", { class: "soft" }, t("app.loading")) };
  return { node: takePart(app) };
}

function holdingParts(app) {
  const attention = el("ul", { class: "stack", "aria-live": "polite" });
  const lines = el("ul", { class: "lines", "aria-label": t("cart.lines") });
  const nothing = empty("scan", t("cart.empty"), t("cart.empty.lead"));
  const leave = el("button", { type: "button", class: "button bare", onclick: () => leaveSheet(app) }, t("cart.leave"));
  const amount = el("p", { class: "amount number", id: "total" });
  const under = el("p", { class: "small soft" });
  const pay = el("button", { type: "button", class: "button", onclick: () => paySheet(app) }, t("cart.pay"));
  const dismissed = new Set();

  const draw = (cart) => {
    if (!cart) return;
    drawAttention(attention, cart, dismissed, () => draw(app.live.cart));
    keepList(
      lines,
      [...cart.lines].sort((one, other) => other.line - one.line),
      (line) => line.line,
      (line) => cartLine(app, line),
      (row, line, isNew) => updateCartLine(app, row, line, cart.currency, isNew),
    );
    nothing.hidden = cart.pieces > 0;
    pay.disabled = cart.pieces === 0;
    say(amount, money(cart.totalMinor, cart.currency));
    const items = t("cart.items", { count: cart.pieces });
    say(under, cart.discountMinor > 0 ? `${items} · ${t("cart.saved", { amount: money(cart.discountMinor, cart.currency) })}` : items);
  };
  const node = el("div", { class: "stack" }, attention, lines, nothing, el("div", {}, leave));
  const bar = [el("div", {}, el("p", { class: "unseen" }, t("cart.total")), amount, under), pay];
  return { node, bar, draw };
}

/** What the shopper should know: why a scan had no effect, lost scans, the scale. */
function drawAttention(list, cart, dismissed, redraw) {
  const notes = [];
  if (cart.status === "incomplete") notes.push({ key: "incomplete", text: t("cart.incomplete") });
  if (cart.verdict === "too_heavy" || cart.verdict === "too_light") notes.push({ key: cart.verdict, text: t(`cart.${cart.verdict}`) });
  for (const notice of cart.notices) notes.push({ key: `${notice.epoch}-${notice.seq}`, text: notice.detail });
  const open = notes.filter(({ key }) => !dismissed.has(key));
  keepList(
    list,
    open,
    ({ key }) => key,
    ({ key, text }) => {
      const dismiss = () => {
        dismissed.add(key);
        redraw();
      };
      const close = el("button", { type: "button", class: "round", "aria-label": t("cart.dismiss"), onclick: dismiss }, icon("close"));
      return el("li", { class: "note warn" }, icon("warning"), el("p", {}, text), close);
    },
    () => {},
  );
  list.hidden = open.length === 0;
}
