// The shopper's own corner: receipts, profile, log-out.

import { el, show } from "../../shell/dom.js";
import { icon } from "../../shell/icons.js";
import { t } from "../../shell/words.js";

/** Links, and a greeting when the name is known. */
export function meScreen(app) {
  const hint = el("a", { class: "note", href: "#/profile", hidden: app.session.isProfileComplete }, icon("warning"), el("span", {}, t("me.complete")));
  const link = (route, picture, text) => el("li", {}, el("a", { class: "card linkrow", href: `#/${route}` }, icon(picture), el("span", {}, text), icon("next")));
  const out = el("button", { type: "button", class: "button danger", onclick: () => app.session.logOut() }, t("me.logout"));
  const links = el("ul", { class: "lines" }, link("orders", "receipt", t("orders.title")), link("profile", "person", t("me.profile")));
  const greeting = el("p", { class: "soft" });
  app.session.call("GET", "/user/profile").then((answer) => {
    if (answer.ok && answer.body.user_name) show(greeting, t("me.hello", { name: answer.body.user_name }));
  });
  return { title: t("me.title"), node: el("div", { class: "stack" }, greeting, hint, links, el("div", {}, out)) };
}
