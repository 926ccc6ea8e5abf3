// Name, e-mail, what the shopper eats and must not eat.

import { el, whileBusy } from "../../shell/dom.js";
import { field } from "../../shell/field.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { fetched } from "../parts.js";

/** The profile as a form. */
export function profileScreen(app) {
  const place = el("div", { class: "stack" });
  const ask = async () => {
    const [profile, choices] = await Promise.all([
      app.session.call("GET", "/user/profile"),
      app.session.call("GET", "/misc/foodtypes-categories"),
    ]);
    if (!profile.ok) return profile;
    return choices.ok ? { ok: true, body: { profile: profile.body, choices: choices.body } } : choices;
  };
  fetched(place, ask, ({ profile, choices }) => form(app, profile, choices), refusal);
  return { title: t("me.profile"), node: place, back: "me" };
}

function form(app, profile, choices) {
  const name = el("input", { autocomplete: "name", maxLength: 120, value: profile.user_name ?? "" });
  const email = el("input", { type: "email", autocomplete: "email", maxLength: 254, value: profile.email ?? "" });
  const emailField = field("email", t("me.email"), null, email);
  const allergies = boxes(choices.allergies, "allergy", profile.allergy_ids);
  const diet = boxes(choices.foodtypes, "foodtype", profile.foodtype_ids);
  const save = el("button", { type: "submit", class: "button wide" }, t("me.save"));
  const submit = (event) => {
    event.preventDefault();
    emailField.wrong("");
    return whileBusy(save, async () => {
      const body = {
        user_name: name.value.trim() || null,
        email: email.value.trim() || null,
        allergy_ids: chosen(allergies),
        foodtype_ids: chosen(diet),
      };
      const answer = await app.session.call("PATCH", "/user/profile", { body });
      if (!answer.ok) return answer.code === "email_taken" || answer.code === "invalid_request" ? emailField.wrong(refusal(answer)) : app.tell(refusal(answer));
      app.session.isProfileComplete = answer.body.is_profile_complete;
      app.products.forget();
      return app.tell(t("me.saved"));
    });
  };
  return el(
    "form",
    { class: "stack", noValidate: true, onsubmit: submit },
    el("fieldset", { class: "card stack plain" }, el("legend", { class: "unseen" }, t("me.allergies")), el("h2", { "aria-hidden": "true" }, t("me.allergies")), el("p", { class: "soft small" }, t("me.allergies.lead")), allergies),
    el("fieldset", { class: "card stack plain" }, el("legend", { class: "unseen" }, t("me.diet")), el("h2", { "aria-hidden": "true" }, t("me.diet")), diet),
    el("div", { class: "card stack" }, field("name", t("me.name"), null, name), emailField),
    save,
  );
}

const boxes = (choices, kind, chosenIds) =>
  el(
    "div",
    { class: "choices" },
    choices.map((one) => {
      const id = one[`${kind}_id`];
      return el("label", { class: "check" }, el("input", { type: "checkbox", value: String(id), checked: chosenIds.includes(id) }), one[`${kind}_name`]);
    }),
  );

const chosen = (group) => [...group.querySelectorAll("input:checked")].map((box) => Number(box.value));
