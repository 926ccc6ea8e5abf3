// Closing and opening aisles: the bar above the plan, and the sheets that ask and tell.

import { el, say, show, whileBusy } from "../shell/dom.js";
import { field } from "../shell/field.js";
import { openSheet } from "../shell/sheet.js";
import { t } from "../shell/words.js";
import { placeOf } from "./floor_plan.js";
import { ago, exactly, refusal } from "./wording.js";

/** The button that begins, and the bar that leads through; both empty for who may not close. */
export function closingBar(app, plan) {
  if (!app.desk.isManager) return { button: null, bar: null };
  const bar = el("div", { class: "closingbar", hidden: true });
  const button = el("button", { type: "button", class: "button quiet slim", "aria-expanded": "false" }, t("block.start"));
  const set = (isClosing) => {
    plan.setClosing(isClosing);
    button.setAttribute("aria-expanded", String(isClosing));
    say(button, t(isClosing ? "app.cancel" : "block.start"));
    bar.hidden = !isClosing;
    if (isClosing) show(bar, el("p", { class: "small" }, t("block.lead")), chooser(plan, (place) => ask(place)));
  };
  const ask = (place) => askToClose(app, place, () => set(false));
  button.addEventListener("click", () => set(!plan.isClosing));
  plan.addEventListener("place", ({ detail }) => ask(detail));
  return { button, bar };
}

// For the keyboard, and for lifts, which have no floor to click.
function chooser(plan, choose) {
  const places = [
    ...plan.layout.floors.flatMap(({ floor, sections = [] }) => sections.map((one) => placeOf(floor, one))),
    ...(plan.layout.connectors ?? []).map((_, connector) => ({ connector, name: plan.nameOf({ connector }) })),
  ];
  const select = el("select", { "aria-label": t("block.choose") }, el("option", { value: "" }, t("block.choose.none")), places.map(({ name }, index) => el("option", { value: String(index) }, name)));
  const close = el("button", { type: "button", class: "button slim", onclick: () => select.value !== "" && choose(places[Number(select.value)]) }, t("block.close"));
  return el("div", { class: "row" }, select, close);
}

function askToClose(app, { name, ...place }, done) {
  const input = el("input", { maxLength: 120, autocomplete: "off" });
  const note = field("note", t("block.note"), t("block.note.hint"), input);
  const wrong = el("p", { class: "small bad", role: "alert" });
  const close = el("button", { type: "submit", class: "button danger" }, t("block.close"));
  const submit = (event) => {
    event.preventDefault();
    return whileBusy(close, async () => {
      const body = { place, note: input.value.trim() || null };
      const answer = await app.desk.call("POST", `/blocks?store=${app.desk.store}`, body);
      if (!answer.ok) return say(wrong, refusal(answer));
      sheet.close();
      done();
      app.tell(t("block.done"));
      return app.desk.ask();
    });
  };
  const sheet = openSheet(
    t("block.title", { name }),
    el("form", { class: "stack", noValidate: true, onsubmit: submit }, el("p", { class: "soft" }, t("block.effect")), note, wrong, el("div", { class: "row" }, close)),
  );
  input.focus();
}

/** What is closed, who closed it and why; a manager opens it again. */
export function showBlock(app, plan, block) {
  const wrong = el("p", { class: "small bad", role: "alert" });
  const open = el("button", { type: "button", class: "button" }, t("block.open"));
  open.addEventListener("click", () =>
    whileBusy(open, async () => {
      const answer = await app.desk.call("DELETE", `/blocks/${block.block_id}?store=${app.desk.store}`);
      if (!answer.ok) return say(wrong, refusal(answer));
      sheet.close();
      app.tell(t("block.opened"));
      return app.desk.ask();
    }),
  );
  const sheet = openSheet(
    t("block.closed", { name: plan.nameOf(block) }),
    block.note && el("p", {}, block.note),
    el("p", { class: "soft" }, t("block.by", { name: block.blocked_by, when: exactly(block.blocked_at) })),
    wrong,
    app.desk.isManager && el("div", { class: "row" }, open),
  );
}

/** One row of the list of what is closed. */
export function blockRow(app, plan, block) {
  const name = plan.nameOf(block);
  const open = el("button", { type: "button", class: "button quiet slim", "aria-label": `${t("letters.show")}: ${name}`, onclick: () => showBlock(app, plan, block) }, t("letters.show"));
  const words = [block.note, t("block.by", { name: block.blocked_by, when: ago(block.blocked_at, app.desk.live.at) })].filter(Boolean).join(" · ");
  return el("li", { class: "item" }, el("div", {}, el("strong", {}, name), el("p", { class: "soft small" }, words)), open);
}
