// Puts the console together: the login, the bar above, and the screen that the address names.

import { el, say, show } from "../shell/dom.js";
import { speak, t, timeOfDay } from "../shell/words.js";
import { Desk } from "./desk.js";
import { actionsScreen } from "./screens/actions.js";
import { cartScreen } from "./screens/cart.js";
import { cartsScreen } from "./screens/carts.js";
import { floorScreen } from "./screens/floor.js";
import { lettersScreen } from "./screens/letters.js";
import { loginScreen } from "./screens/login.js";
import { language, texts } from "./texts/en.js";
import { refusal } from "./wording.js";

speak(language, texts);

const TOAST_MS = 4000;
const TABS = ["floor", "carts", "letters", "actions"];
const SCREENS = {
  floor: floorScreen,
  carts: (app, id) => (id ? cartScreen(app, Number(id)) : cartsScreen(app)),
  letters: lettersScreen,
  actions: actionsScreen,
};

const [page, top, main, toast, heard, skip] = ["page", "top", "main", "toast", "heard", "skip"].map((id) => document.getElementById(id));
const desk = new Desk();
const link = el("p", { id: "link" });
const calls = el("span", { class: "count", hidden: true });
let current = null;
let stores = [];
let known = null; // alerts that were there before

/** What a screen is given. A screen gives {title, node, update?, leave?}. */
const app = {
  desk,
  hasEnded: false,
  selected: null,
  tell(text) {
    say(toast, text);
    toast.hidden = false;
    clearTimeout(app.toastTimer);
    app.toastTimer = setTimeout(() => (toast.hidden = true), TOAST_MS);
  },
  async start() {
    drawFrame();
    render();
    await desk.start();
    const answer = await desk.call("GET", "/stores");
    stores = answer.ok ? answer.body.stores : [];
    drawFrame();
  },
};

function render() {
  current?.leave?.();
  const [name, id] = location.hash.replace(/^#\/?/, "").split("/");
  const route = name in SCREENS ? name : "floor";
  const isIn = desk.operator !== null;
  current = isIn ? SCREENS[route](app, id) : loginScreen(app);
  page.classList.toggle("alone", !isIn);
  top.hidden = !isIn;
  main.dataset.screen = isIn ? route : "login";
  document.title = current.title === t("app.name") ? current.title : `${current.title} – ${t("app.name")}`;
  show(main, current.node);
  for (const tab of top.querySelectorAll("nav a")) {
    if (tab.dataset.tab === route) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (isIn && desk.live) current.update?.();
  scrollTo(0, 0);
}

function drawFrame() {
  if (desk.operator === null) return;
  const tabs = TABS.map((name) => {
    const tab = el("a", { href: `#/${name}` }, t(`tab.${name}`), name === "floor" && calls);
    tab.dataset.tab = name;
    return tab;
  });
  const out = el("button", { type: "button", class: "button bare", onclick: () => leave() }, t("app.out"));
  show(
    top,
    el("div", { class: "brand" }, el("img", { src: "../app/icon.svg", alt: "" }), storeName()),
    el("nav", { "aria-label": t("app.sections") }, tabs),
    link,
    el("p", { class: "who small" }, el("strong", {}, desk.operator.name), el("span", { class: "soft" }, t(`role.${desk.operator.role}`))),
    out,
  );
  drawLink();
  for (const tab of tabs) if (tab.dataset.tab === main.dataset.screen) tab.setAttribute("aria-current", "page");
}

async function leave() {
  const answer = await desk.logOut();
  if (!answer.ok && answer.status !== 401) app.tell(refusal(answer));
}

function storeName() {
  if (stores.length < 2) return el("strong", { id: "store" }, desk.live?.store ?? "");
  const choose = el("select", { id: "store", "aria-label": t("app.store"), onchange: () => desk.choose(choose.value).then(render) }, stores.map(({ name }) => el("option", { value: name, selected: name === desk.store }, name)));
  return choose;
}

function drawLink() {
  const state = desk.isReached ? "live" : "lost";
  link.dataset.state = state;
  say(link, t(`link.${state}`));
}

function announceCalls() {
  const alerts = desk.live.alerts;
  for (const one of known === null ? [] : alerts) {
    if (!known.has(one.alert_id)) {
      const text = t("queue.new", { kind: t(`kind.${one.kind}`), cart: one.cart_id });
      say(heard, text);
      app.tell(text);
    }
  }
  known = new Set(alerts.map((one) => one.alert_id));
  const waiting = alerts.filter((one) => one.claimed_by === null).length;
  calls.hidden = waiting === 0;
  say(calls, String(waiting));
  calls.setAttribute("aria-label", `${t("floor.waiting")}: ${waiting}`);
}

desk.addEventListener("live", () => {
  if (top.querySelector("#store")?.tagName === "STRONG") say(top.querySelector("#store"), desk.live.store);
  announceCalls();
  current?.update?.();
});
desk.addEventListener("link", () => {
  drawLink();
  const text = t(`link.${desk.isReached ? "live" : "lost"}.long`, { time: timeOfDay(desk.heardAt || Date.now()) });
  say(heard, text);
  app.tell(text);
});
desk.addEventListener("ended", () => {
  known = null;
  stores = [];
  app.hasEnded = true;
  app.selected = null;
  render();
});
addEventListener("hashchange", () => {
  render();
  main.querySelector("h1")?.focus({ preventScroll: true });
});
skip.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
say(skip, t("app.skip"));
skip.hidden = false;

if ((await desk.resume()).ok) app.start();
else render();
