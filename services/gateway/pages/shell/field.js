// A labelled field of a form.

import { el, say } from "./dom.js";

/** A labelled field. `set.wrong(text)` shows what is wrong with it; an empty text takes that away. */
export function field(id, label, hint, input) {
  const wrong = el("p", { class: "wrong small", id: `${id}-wrong`, role: "alert" });
  const hints = hint ? el("p", { class: "soft small", id: `${id}-hint` }, hint) : null;
  input.id = id;
  input.setAttribute("aria-describedby", [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" "));
  const node = el("div", { class: "field" }, el("label", { htmlFor: id }, label), input, hints, wrong);
  node.wrong = (text) => {
    say(wrong, text);
    input.setAttribute("aria-invalid", String(Boolean(text)));
    if (text) input.focus();
  };
  return node;
}
