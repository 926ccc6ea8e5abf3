// Recipes that use what is in the cart or on the list.

import { el, show } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { empty, fetched } from "../parts.js";

let source = null; // as chosen last

/** From the cart when there is one, else from the list. */
export function recipesScreen(app) {
  source ??= app.live.cart?.pieces ? "cart" : "checklist";
  const place = el("div", { class: "stack" });
  const load = () => fetched(place, () => app.session.call("GET", `/user/recipes?source=${source}`), ({ recipes }) => draw(recipes), refusal);
  const choices = ["cart", "checklist"].map((one) => {
    const choose = () => {
      source = one;
      for (const [index, button] of choices.entries()) button.setAttribute("aria-pressed", String(["cart", "checklist"][index] === source));
      show(place);
      load();
    };
    return el("button", { type: "button", "aria-pressed": String(one === source), onclick: choose }, t(`recipes.${one}`));
  });
  load();
  return { title: t("recipes.title"), node: el("div", { class: "stack" }, el("div", { class: "segments", role: "group", "aria-label": t("recipes.from") }, choices), place) };
}

function draw(uses) {
  if (uses.length === 0) return [empty("recipe", t(`recipes.none.${source}`), null)];
  const byRecipe = new Map();
  for (const use of uses) {
    const entry = byRecipe.get(use.recipe_id) ?? { name: use.recipe_name, names: [] };
    entry.names.push(use.product.product_name);
    byRecipe.set(use.recipe_id, entry);
  }
  const best = [...byRecipe].sort(([, one], [, other]) => other.names.length - one.names.length);
  const row = ([id, { name, names }]) =>
    el(
      "li",
      {},
      el("a", { class: "card linkrow", href: `#/recipes/${id}` }, icon("recipe"), el("span", {}, name, el("br"), el("span", { class: "small soft" }, t("recipes.have", { names: names.join(", "), count: names.length }))), icon("next")),
    );
  return [el("ul", { class: "lines" }, best.map(row))];
}
