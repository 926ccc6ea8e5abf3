// Logging in with name and password; accounts are made by `smartcart operators add`.

import { el, whileBusy } from "../../shell/dom.js";
import { field } from "../../shell/field.js";
import { t } from "../../shell/words.js";
import { refusal } from "../wording.js";

/** The only screen without a login. */
export function loginScreen(app) {
  const name = el("input", { autocomplete: "username", autocapitalize: "none", spellcheck: false, required: true, maxLength: 40 });
  const password = el("input", { type: "password", autocomplete: "current-password", required: true, maxLength: 128 });
  const names = field("name", t("login.name"), null, name);
  const passwords = field("password", t("login.password"), null, password);
  const enter = el("button", { type: "submit", class: "button wide" }, t("login.enter"));
  const submit = (event) => {
    event.preventDefault();
    if (!name.value.trim()) return name.focus();
    if (!password.value) return password.focus();
    return whileBusy(enter, async () => {
      const answer = await app.desk.logIn(name.value.trim().toLowerCase(), password.value);
      if (answer.ok) return app.start();
      password.value = "";
      return passwords.wrong(refusal(answer));
    });
  };
  const ended = app.hasEnded ? el("p", { class: "note", role: "status" }, t("login.ended")) : null;
  app.hasEnded = false;
  const node = el(
    "div",
    { class: "stack door" },
    el("img", { src: "../app/icon.svg", alt: "" }),
    el("h1", { tabIndex: -1 }, t("login.title")),
    el("p", { class: "soft" }, t("login.lead")),
    ended,
    el("form", { class: "card stack", noValidate: true, onsubmit: submit }, names, passwords, enter),
  );
  return { title: t("app.name"), node };
}
