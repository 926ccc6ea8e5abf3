// Texts by key, with places for values and forms for numbers; the language's own file is handed in by the page.

let texts = {};
let language = "en";

/** Speak this language from now on. `spoken`: its texts; a text that counts is an object of plural forms. */
export function speak(tag, spoken) {
  language = navigator.languages.find((one) => one.split("-")[0] === tag) ?? tag; // the reader's own kind of it, for dates
  texts = spoken;
  document.documentElement.lang = tag;
}

/** The text of a key. `{name}` is replaced by a value; `count` chooses the plural form. A missing key shows itself. */
export function t(key, values = {}) {
  const found = texts[key] ?? key;
  const text = typeof found === "string" ? found : found[new Intl.PluralRules(language).select(values.count)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (hole, name) => String(values[name] ?? hole));
}

/** Minor units as money. */
export function money(minor, currency) {
  return new Intl.NumberFormat(language, { style: "currency", currency }).format(minor / 100);
}

/** REST's decimal number of major units as whole minor units: it has at most two places. */
export const toMinor = (major) => Math.round(major * 100);

/** A moment in words. */
export function moment(iso) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** The time of day of a number of milliseconds. */
export function timeOfDay(ms) {
  return new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(new Date(ms));
}

/** Metres, as a shopper says them. */
export function metres(m) {
  return new Intl.NumberFormat(language, { style: "unit", unit: "meter", maximumFractionDigits: 0 }).format(m);
}
