// Taking a cart: by its QR code where the browser can read one, else by number and code.

import { el, whileBusy } from "../../shell/dom.js";
import { field } from "../../shell/field.js";
import { icon } from "../../shell/icons.js";
import { randomKey } from "../../shell/random_key.js";
import { t } from "../../shell/words.js";
import { refusal } from "../announcements.js";
import { canScan, scanCart } from "../qr_scan.js";

/** What the cart screen shows while the shopper holds no cart. */
export function takePart(app) {
  const number = el("input", { class: "digits", inputMode: "numeric", autocomplete: "off", maxLength: 9, required: true });
  const code = el("input", { class: "digits", inputMode: "numeric", autocomplete: "off", maxLength: 6 });
  const numberField = field("cart-number", t("take.number"), null, number);
  const codeField = field("cart-code", t("take.code"), null, code);
  const take = el("button", { type: "submit", class: "button wide" }, t("take.take"));

  const connect = () =>
    whileBusy(take, async () => {
      const body = { cart_id: Number(number.value) };
      if (code.value.trim()) body.pairing_code = code.value.trim();
      const answer = await app.session.call("POST", "/cart/connect", { body, key: randomKey() });
      if (answer.ok) {
        await app.live.refresh();
        app.tell(t("take.taken", { cart: answer.body.cart_id }));
      } else if (answer.code === "cart_unknown" || answer.code === "cart_in_use") numberField.wrong(refusal(answer));
      else codeField.wrong(refusal(answer));
    });
  const submit = (event) => {
    event.preventDefault();
    numberField.wrong("");
    codeField.wrong("");
    if (!/^[0-9]{1,9}$/.test(number.value.trim()) || Number(number.value) < 1) return numberField.wrong(t("take.number.wrong"));
    if (!/^([0-9]{6})?$/.test(code.value.trim())) return codeField.wrong(t("take.code.hint"));
    return connect();
  };
  const scan = async () => {
    const read = await scanCart(app);
    if (read === null) return;
    number.value = String(read.cartId);
    code.value = read.code ?? "";
    if (read.code) await connect();
    else code.focus();
  };

  const form = el(
    "form",
    { class: "card stack", noValidate: true, onsubmit: submit },
    el("div", { class: "pair" }, numberField, codeField),
    el("p", { class: "soft small" }, t("take.code.hint")),
    take,
  );
  const scanning = canScan()
    ? [el("button", { type: "button", class: "button quiet wide", onclick: scan }, icon("scan"), t("take.scan")), el("p", { class: "or small" }, t("take.or"))]
    : [];
  return el("div", { class: "stack" }, el("p", { class: "soft" }, t("take.lead")), ...scanning, form);
}
