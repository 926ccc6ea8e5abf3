// One line of the cart: name, price, allergy warnings, and the stepper that changes its quantity.

import { el, say, show } from "../shell/dom.js";
import { icon } from "../shell/icons.js";
import { randomKey } from "../shell/random_key.js";
import { money, t } from "../shell/words.js";
import { refusal } from "./announcements.js";
import { tile, warningChips } from "./parts.js";
import { productSheet } from "./product_sheet.js";

/** A new row; `updateCartLine` fills it. */
export function cartLine(app, line) {
  const place = el("div", { class: "tile" });
  const name = el("button", { type: "button", class: "name", onclick: () => productSheet(app, line.productId) }, line.name);
  const price = el("p", { class: "price number" });
  const each = el("p", { class: "small soft" });
  const quantity = el("output", { "aria-label": t("cart.quantity") });
  const step = (picture, label, path) =>
    el("button", { type: "button", class: "round", "aria-label": t(label, { name: line.name }), onclick: () => enqueue(app, stepper, path, line.productId) }, icon(picture));
  const stepper = el(
    "div",
    { class: "stepper", role: "group", "aria-label": t("cart.quantity") },
    step("minus", "cart.less", "/cart/item/remove"),
    quantity,
    step("plus", "cart.more", "/cart/item/add"),
  );
  const chips = el("ul", { class: "chips", hidden: true });
  const row = el("li", { class: "card line" }, place, name, price, el("div", { class: "under" }, each, stepper), chips);
  row.parts = { place, price, each, quantity, chips };
  describe(app, row, line.productId);
  return row;
}

/** Bring a row up to date, and let it glow when it is new or its quantity changed. */
export function updateCartLine(app, row, line, currency, isNew) {
  const { price, each, quantity } = row.parts;
  const before = line.unitMinor * line.quantity;
  const total = money(line.totalMinor, currency);
  if (row.dataset.total !== total) {
    row.dataset.total = total;
    const was = before > line.totalMinor ? el("s", { class: "small" }, el("span", { class: "unseen" }, t("cart.was", { price: "" })), money(before, currency)) : null;
    show(price, total, was && " ", was);
  }
  say(each, line.quantity > 1 ? t("cart.each", { price: money(line.totalMinor / line.quantity, currency) }) : packOf(app.products.peek(line.productId)));
  if (isNew || quantity.textContent !== String(line.quantity)) {
    row.classList.remove("fresh");
    requestAnimationFrame(() => row.classList.add("fresh"));
  }
  say(quantity, String(line.quantity));
}

const packOf = (detail) => [detail?.brand, detail?.quantity_text?.replaceAll(" ", "\u00a0")].filter(Boolean).join(" · ");

async function describe(app, row, productId) {
  const known = app.products.peek(productId) ?? (await app.products.get(productId));
  if (!known) return;
  const picture = tile(known);
  row.parts.place.replaceWith(picture);
  row.parts.place = picture;
  const chips = warningChips(known);
  show(row.parts.chips, chips);
  row.parts.chips.hidden = chips.length === 0;
  if (row.parts.each.textContent === "") say(row.parts.each, packOf(known));
}

// Taps are done one after the other, so that none is lost and none overtakes another.
let queue = Promise.resolve();

function enqueue(app, stepper, path, productId) {
  stepper.setAttribute("aria-busy", "true");
  const done = queue.then(() => changeByOne(app, path, productId));
  queue = done;
  done.finally(() => queue === done && stepper.removeAttribute("aria-busy"));
}

async function changeByOne(app, path, productId) {
  const key = randomKey();
  const ask = () => app.session.call("POST", path, { body: { product_id: productId }, key });
  let answer = await ask();
  if (answer.code === "offline") answer = await ask(); // the same key: however often it arrives, it counts once
  if (!answer.ok) app.tell(refusal(answer));
  await app.live.refresh();
}
