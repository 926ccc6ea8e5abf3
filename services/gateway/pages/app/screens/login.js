// Logging in: a number, then the code that was sent to it.

import { el, show, whileBusy } from "../../shell/dom.js";
import { field } from "../../shell/field.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";

const NUMBER = /^\+?[0-9]{9,17}$/;
const CODE = /^[0-9]{6}$/;

/** The only screen without a login. */
export function loginScreen(app) {
  const place = el("div", { class: "stack" });
  const lead = el("p", { class: "soft" }, t("login.lead"));
  const ended = app.hasEnded ? el("p", { class: "note", role: "status" }, t("login.ended")) : null;
  app.hasEnded = false;
  askForNumber(app, place);
  return { title: t("login.title"), node: el("div", { class: "stack" }, lead, ended, place) };
}

function askForNumber(app, place, typed = "") {
  const input = el("input", { type: "tel", autocomplete: "tel", inputMode: "tel", required: true, value: typed });
  const number = field("number", t("login.number"), t("login.number.hint"), input);
  const send = el("button", { type: "submit", class: "button wide" }, t("login.send"));
  const submit = (event) => {
    event.preventDefault();
    const wanted = input.value.replace(/[\s()/.-]/g, "");
    if (!NUMBER.test(wanted)) return number.wrong(t("login.number.wrong"));
    number.wrong("");
    return whileBusy(send, async () => {
      const answer = await app.session.askForCode(wanted);
      if (answer.ok) askForCode(app, place, wanted);
      else number.wrong(refusal(answer));
    });
  };
  show(place, el("form", { class: "card stack", noValidate: true, onsubmit: submit }, number, send));
}

function askForCode(app, place, mobileNumber) {
  const input = el("input", { class: "digits", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 6, required: true });
  const code = field("code", t("login.code"), t("login.code.sent", { number: mobileNumber }), input);
  const stay = el("input", { type: "checkbox", id: "stay", checked: true });
  const enter = el("button", { type: "submit", class: "button wide" }, t("login.enter"));
  const other = el("button", { type: "button", class: "button bare wide", onclick: () => askForNumber(app, place, mobileNumber) }, t("login.other"));
  const submit = (event) => {
    event.preventDefault();
    if (!CODE.test(input.value.trim())) return code.wrong(t("login.code.wrong"));
    code.wrong("");
    return whileBusy(enter, async () => {
      const answer = await app.session.logIn(mobileNumber, input.value.trim(), stay.checked);
      if (answer.ok) app.start();
      else code.wrong(refusal(answer));
    });
  };
  const check = el("label", { class: "check" }, stay, t("login.stay"));
  show(place, el("form", { class: "card stack", noValidate: true, onsubmit: submit }, code, check, enter, other));
  input.focus();
}
