// A product in a sheet: price, pack, allergens, and a place on the list.

import { el, whileBusy } from "../shell/dom.js";
import { icon } from "../shell/icons.js";
import { randomKey } from "../shell/random_key.js";
import { openSheet } from "../shell/sheet.js";
import { t } from "../shell/words.js";
import { refusal } from "./announcements.js";
import { price, tile, warningChips } from "./parts.js";

/** Open the sheet of a product. */
export async function productSheet(app, productId) {
  const detail = await app.products.get(productId);
  if (!detail) return app.tell(t("error.offline"));
  const currency = app.live.cart?.currency ?? "EUR";
  const chips = warningChips(detail);
  const add = el("button", { type: "button", class: "button wide" }, icon("plus"), t("product.add"));
  const sheet = openSheet(
    detail.product_name,
    el("div", { class: "row" }, tile(detail), el("div", {}, el("p", { class: "soft" }, [detail.brand, detail.quantity_text].filter(Boolean).join(" · ")), price(detail, currency))),
    detail.offer_name && el("p", { class: "offer" }, detail.offer_name),
    chips.length > 0 && el("ul", { class: "chips" }, chips),
    el("dl", { class: "stack" }, ...fact(t("product.allergens"), allergens(detail)), ...fact(t("product.diet"), detail.foodtypes.map((one) => one.foodtype_name).join(", "))),
    add,
  );
  add.addEventListener("click", () => whileBusy(add, () => putOnList(app, detail, sheet)));
  return sheet;
}

/** Put one piece on the list and say so. */
export async function putOnList(app, product, sheet = null) {
  const body = { product_id: product.product_id, quantity: 1 };
  const answer = await app.session.call("POST", "/user/checklist/add", { body, key: randomKey() });
  app.tell(answer.ok ? t("list.added", { name: product.product_name }) : refusal(answer));
  if (answer.ok) sheet?.close();
  return answer.ok;
}

const fact = (name, value) => (value ? [el("div", {}, el("dt", { class: "small soft" }, name), el("dd", {}, value))] : []);

function allergens(detail) {
  if (detail.allergies.length > 0) {
    return detail.allergies.map((one) => (one.traces_only ? t("product.traces", { allergy: one.allergy_name }) : one.allergy_name)).join(", ");
  }
  return detail.allergens_are_known ? t("product.allergens.none") : t("product.allergens.unknown");
}
