// What changed in the cart, said to those who hear the page.

import { money, t } from "../shell/words.js";

/** Say each changed line once; a first snapshot of a trip is silent. */
export function announceChanges(app, { after, changes }) {
  if (!after || changes.length === 0) return;
  const total = money(after.totalMinor, after.currency);
  const sentences = changes.map(({ line, pieces }) =>
    t(pieces > 0 ? "cart.heard.more" : "cart.heard.less", { name: line.name, quantity: line.quantity, total }),
  );
  app.hear(sentences.join(" "));
}

/** The words for a refused call. */
export function refusal(answer) {
  const key = `error.${answer.code}`;
  const known = t(key);
  return known === key ? answer.detail || t("error.internal") : known;
}
