// How the console says times, refusals and what a cart is doing.

import { t } from "../shell/words.js";
import { language, texts } from "./texts/en.js";

const SILENT_AFTER_MS = 60000; // carts tell their health twice a minute
const LOW_BATTERY_PCT = 20;
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "narrow" });
// The reader's own way of writing dates, as far as it is the page's language.
const exact = new Intl.DateTimeFormat(navigator.languages.find((one) => one.startsWith(language)) ?? language, { dateStyle: "short", timeStyle: "medium" });

/** How long ago, measured by the store's clock. */
export function ago(iso, nowIso) {
  if (!iso) return t("cart.never");
  const seconds = Math.max(0, Math.round((Date.parse(nowIso) - Date.parse(iso)) / 1000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  return relative.format(-Math.floor(seconds / size), unit);
}

/** A moment to the second. */
export const exactly = (iso) => (iso ? exact.format(new Date(iso)) : "");

/** Why something did not work, for people. */
export function refusal({ code, detail, retryAfterS }) {
  if (`refused.${code}` in texts) return t(`refused.${code}`, { minutes: Math.ceil((retryAfterS ?? 60) / 60) });
  return detail || t("refused.unknown");
}

/** `silent`, `used` or `free`. */
export function stateOf(cart, nowIso) {
  const isSilent = !cart.online || !cart.seen_at || Date.parse(nowIso) - Date.parse(cart.seen_at) > SILENT_AFTER_MS;
  if (isSilent) return "silent";
  return cart.session ? "used" : "free";
}

/** What staff should notice about a cart: [kind, words]. */
export function marksOf(cart, alerts, nowIso) {
  const marks = alerts.filter((one) => one.cart_id === cart.cart_id).map((one) => ["alert", t(`kind.${one.kind}`)]);
  if (cart.gap_since) marks.push(["gap", t("cart.gap", { when: ago(cart.gap_since, nowIso) })]);
  if (cart.session?.incomplete) marks.push(["gap", t("cart.incomplete")]);
  if (cart.battery_pct !== null && cart.battery_pct < LOW_BATTERY_PCT) marks.push(["gap", `${t("carts.battery")} ${cart.battery_pct} %`]);
  return marks;
}
