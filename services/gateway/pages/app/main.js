// Puts the shopper's page together: the login, the live cart, and the screen that the address names.

import { el, say, show } from "../shell/dom.js";
import { icon } from "../shell/icons.js";
import { Session } from "../shell/session.js";
import { speak, t, timeOfDay } from "../shell/words.js";
import { announceChanges } from "./announcements.js";
import { LiveCart } from "./live_cart.js";
import { Products } from "./products.js";
import { cartScreen } from "./screens/cart.js";
import { listScreen } from "./screens/list.js";
import { loginScreen } from "./screens/login.js";
import { mapScreen } from "./screens/map.js";
import { meScreen } from "./screens/me.js";
import { ordersScreen } from "./screens/orders.js";
import { profileScreen } from "./screens/profile.js";
import { receiptScreen } from "./screens/receipt.js";
import { recipeScreen } from "./screens/recipe.js";
import { recipesScreen } from "./screens/recipes.js";
import { language, texts } from "./texts/en.js";

speak(language, texts);

const TOAST_MS = 4000;
let toastTimer = 0;
const SCREENS = {
  cart: cartScreen,
  list: listScreen,
  map: mapScreen,
  recipes: (app, id) => (id ? recipeScreen(app, id) : recipesScreen(app)),
  orders: (app, id) => (id ? receiptScreen(app, id) : ordersScreen(app)),
  me: meScreen,
  profile: profileScreen,
};
const TABS = [
  ["cart", "cart"],
  ["list", "list"],
  ["map", "map"],
  ["recipes", "recipe"],
  ["me", "person"],
];
const TAB_OF = { orders: "me", profile: "me" };

const [page, main, title, linkState, bottom, sum, tabs, toast, heard, skip] = [
  "page", "main", "title", "link", "bottom", "sum", "tabs", "toast", "heard", "skip",
].map((id) => document.getElementById(id));

const session = new Session("smartcart");
const live = new LiveCart(session);

/** What a screen is given. A screen gives {title, node, bar?, back?, leave?}. */
const app = {
  session,
  live,
  products: new Products(session),
  isPaying: false, // or leaving: an end of the trip that the shopper wants is no news
  justPaid: null, // the order that the next receipt says thank you for
  hasEnded: false, // the login ended by itself
  go(route) {
    if (location.hash === `#/${route}`) render();
    else location.hash = `#/${route}`;
  },
  /** Say something shortly, to eye and ear. */
  tell(text) {
    say(toast, text);
    toast.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => (toast.hidden = true), TOAST_MS);
  },
  hear: (text) => say(heard, text),
  retitle: (text) => retitle(text),
  /** The bar above the tabs, in reach of the thumb; null for none. */
  showBar(nodes) {
    show(sum, nodes ?? []);
    sum.hidden = !nodes;
  },
  start() {
    live.start();
    render();
  },
};

let current = null;

function render() {
  toast.hidden = true;
  current?.leave?.();
  const [name, id] = location.hash.replace(/^#\/?/, "").split("/");
  const isIn = session.isOpen;
  const route = name in SCREENS ? name : "cart";
  current = isIn ? SCREENS[route](app, id) : loginScreen(app);
  page.classList.toggle("alone", !isIn);
  bottom.hidden = !isIn;
  linkState.hidden = !isIn;
  retitle(current.title);
  document.getElementById("back")?.remove();
  if (current.back) {
    const back = el("a", { id: "back", class: "round", href: `#/${current.back}`, "aria-label": t("app.back") }, icon("back"));
    title.before(back);
  }
  show(main, current.node);
  app.showBar(current.bar);
  for (const tab of tabs.children) {
    if (tab.dataset.tab === (TAB_OF[route] ?? route)) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
}

function retitle(text) {
  say(title, text);
  document.title = text === t("app.name") ? text : `${text} – ${t("app.name")}`;
}

function close() {
  live.stop();
  app.products.forget();
  drawCount();
}

function drawFrame() {
  tabs.setAttribute("aria-label", t("app.tabs"));
  say(skip, t("app.skip"));
  show(
    tabs,
    TABS.map(([name, picture]) => {
      const tab = el("a", { href: `#/${name}` }, icon(picture), el("span", {}, t(`tab.${name}`)));
      tab.dataset.tab = name;
      return tab;
    }),
  );
}

function drawLink() {
  linkState.dataset.state = live.linkState;
  say(linkState, t(`link.${live.linkState}`));
}

function drawCount() {
  const tab = tabs.querySelector("[data-tab=cart]");
  tab.querySelector(".count")?.remove();
  if (live.cart?.pieces) tab.append(el("span", { class: "count", "aria-hidden": "true" }, String(live.cart.pieces)));
}

linkState.addEventListener("click", () => {
  app.tell(t(`link.${live.linkState}.long`, { time: timeOfDay(live.heardAt || Date.now()) }));
});
skip.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
live.addEventListener("link", () => {
  drawLink();
  app.hear(t(`link.${live.linkState}.long`, { time: timeOfDay(live.heardAt || Date.now()) }));
});
live.addEventListener("change", ({ detail }) => {
  drawCount();
  announceChanges(app, detail);
});
live.addEventListener("trip-ended", () => {
  if (!app.isPaying) app.tell(t("cart.ended"));
});
session.addEventListener("ended", () => {
  app.hasEnded = true;
  close();
  render();
});
session.addEventListener("left", () => {
  close();
  app.go("cart");
});
addEventListener("hashchange", () => {
  render();
  title.focus({ preventScroll: true });
});

drawFrame();
drawLink();
skip.hidden = false;
if (session.isOpen) app.start();
else render();

if ("serviceWorker" in navigator) {
  const policy = globalThis.trustedTypes?.createPolicy("smartcart", { createScriptURL: (url) => (url === "sw.js" ? url : "") });
  navigator.serviceWorker.register(policy ? policy.createScriptURL("sw.js") : "sw.js").catch(() => {});
}
