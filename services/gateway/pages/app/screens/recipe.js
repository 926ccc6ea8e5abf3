// One recipe: what is in the cart already and what is still needed.

import { el, whileBusy } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { randomKey } from "../../shell/random_key.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { fetched, price, tile } from "../parts.js";
import { productSheet } from "../product_sheet.js";

/** The recipe with this id. */
export function recipeScreen(app, recipeId) {
  const place = el("div", { class: "stack" });
  const path = `/user/recipes/${encodeURIComponent(recipeId)}`;
  const draw = (recipe) => {
    app.retitle(recipe.recipe_name);
    const missing = recipe.products.filter((one) => recipe.missing_product_ids.includes(one.product_id));
    const have = recipe.products.filter((one) => !recipe.missing_product_ids.includes(one.product_id));
    return [
      missing.length === 0 && el("p", { class: "note" }, icon("tick"), t("recipe.all")),
      ...group(app, t("recipe.missing"), missing, false),
      missing.length > 0 && addButton(app, path),
      ...group(app, t("recipe.have"), have, true),
    ];
  };
  fetched(place, () => app.session.call("GET", path), draw, refusal);
  return { title: t("recipes.title"), node: place, back: "recipes" };
}

function addButton(app, path) {
  const add = el("button", { type: "button", class: "button wide" }, icon("plus"), t("recipe.add"));
  add.addEventListener("click", () =>
    whileBusy(add, async () => {
      const answer = await app.session.call("POST", `${path}/add_to_checklist`, { key: randomKey() });
      app.tell(answer.ok ? t("recipe.added") : refusal(answer));
    }),
  );
  return add;
}

function group(app, title, products, isHere) {
  if (products.length === 0) return [];
  const row = (one) =>
    el(
      "li",
      { class: `card line ${isHere ? "ticked" : ""}` },
      tile(one),
      el("button", { type: "button", class: "name", onclick: () => productSheet(app, one.product_id) }, one.product_name),
      isHere ? el("span", { class: "tickmark" }, icon("tick")) : price(one, app.live.cart?.currency ?? "EUR"),
      el("p", { class: "under small soft" }, one.brand ?? ""),
    );
  return [el("h2", {}, title), el("ul", { class: "lines" }, products.map(row))];
}
