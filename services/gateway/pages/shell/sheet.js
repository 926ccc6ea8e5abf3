// A dialog over the page.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** A sheet from below (or in the middle of a desk): closes by its button, Escape, or a tap beside it. */
export function openSheet(title, ...content) {
  const heading = el("h2", { id: "sheet-title" }, title);
  const close = el("button", { type: "button", class: "round", "aria-label": t("app.close"), onclick: () => sheet.close() }, icon("close"));
  const sheet = el(
    "dialog",
    { "aria-labelledby": "sheet-title" },
    el("div", { class: "sheet" }, el("div", { class: "spread" }, heading, close), ...content),
  );
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
  return sheet;
}
