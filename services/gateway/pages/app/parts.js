// Pieces that several screens use.

import { el, show } from "../shell/dom.js";
import { icon } from "../shell/icons.js";
import { t, toMinor, money } from "../shell/words.js";

const TONES = 8;

/** A small picture of a product: its own image when the store serves one, else its first letter in its category's colour. */
export function tile(product) {
  if (product.image?.startsWith("/")) {
    return el("div", { class: "tile tone-0" }, el("img", { src: product.image, alt: "", loading: "lazy" }));
  }
  const letter = [...product.product_name.trim()][0]?.toUpperCase() ?? "";
  return el("div", { class: `tile tone-${(product.category_id ?? 0) % TONES}`, "aria-hidden": "true" }, letter);
}

/** An empty place that says what to do. */
export function empty(picture, title, lead, ...more) {
  return el("div", { class: "empty" }, el("div", { class: "badge" }, icon(picture)), el("h2", {}, title), lead && el("p", { class: "soft" }, lead), ...more);
}

/** Allergy warnings of a product detail as chips. */
export function warningChips(detail) {
  return (detail?.warnings ?? []).map((warning) =>
    el("li", { class: `chip ${warning.kind}` }, icon("warning"), t(`warning.${warning.kind}`, { allergy: warning.allergy_name })),
  );
}

/** What a product costs, in minor units. */
export const priceOf = (product) => toMinor(product.discounted_price ?? product.price);

/** The price of a product, with the one before when it costs less now. */
export function price(product, currency) {
  const now = money(priceOf(product), currency);
  if (product.discounted_price === null || product.discounted_price >= product.price) return el("span", { class: "number" }, now);
  const before = money(toMinor(product.price), currency);
  return el(
    "span",
    { class: "number" },
    el("span", { class: "offer" }, now),
    " ",
    el("s", { class: "soft small" }, el("span", { class: "unseen" }, t("cart.was", { price: "" })), before),
  );
}

/** Shows that something is being fetched, then what came, or why nothing did with a way to try again. */
export async function fetched(place, ask, draw, refusal) {
  if (!place.hasChildNodes()) show(place, el("p", { class: "soft" }, t("app.loading")));
  const answer = await ask();
  if (answer.ok) return show(place, draw(answer.body));
  const again = el("button", { type: "button", class: "button quiet", onclick: () => fetched(place, ask, draw, refusal) }, t("app.again"));
  return show(place, el("div", { class: "note warn" }, icon("warning"), el("p", {}, refusal(answer))), again);
}
