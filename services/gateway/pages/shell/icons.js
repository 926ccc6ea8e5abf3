// Our own line icons on a grid of 24, drawn as paths so that nothing has to be fetched.

import { svg } from "./dom.js";

const PATHS = {
  cart: "M3 4h2.2l2.3 11h10.2l2.3-8H6M9.5 20a1 1 0 1 0 0-.01M16.5 20a1 1 0 1 0 0-.01",
  list: "M9 6h11M9 12h11M9 18h11M4 6l1 1 1.7-2M4 12l1 1 1.7-2M4 18l1 1 1.7-2",
  map: "M9 4 3.5 6.5v13L9 17l6 3 5.5-2.500v-13L15 7 9 4zM9 4v13M15 7v13",
  recipe: "M7 3v7a2 2 0 0 0 2 2v9M5 3v5M9 3v5M9 12a2 2 0 0 0 2-2V3M17 21v-7M17 14c-2 0-3-2-3-5s1.500-6 3-6 3 3 3 6-1 5-3 5z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20.500c.8-3.600 3.800-5.500 7.500-5.500s6.700 1.900 7.500 5.500",
  receipt: "M6 3v18l2-1.400 2 1.400 2-1.400 2 1.400 2-1.400 2 1.400V3l-2 1.400L14 3l-2 1.400L10 3 8 4.400zM9 9h6M9 13h6",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  warning: "M12 4 2.800 20h18.400zM12 10v4.500M12 17.300v.2",
  tick: "M4.500 12.500l5 5 10-11",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 8h3v3H8zM13 13h3v3h-3zM13 8h3M8 13v3",
  bin: "M4.500 7h15M9 7V4h6v3M6.500 7l1 13h9l1-13M10 11v5M14 11v5",
  target: "M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM12 2v4M12 18v4M2 12h4M18 12h4",
  left: "M19 20v-6a4 4 0 0 0-4-4H6M10 5l-5 5 5 5",
  right: "M5 20v-6a4 4 0 0 1 4-4h9M14 5l5 5-5 5",
  straight: "M12 21V4M6 10l6-6 6 6",
  around: "M7 21V9a5 5 0 0 1 10 0v6M13 11l4 4 4-4",
  arrive: "M12 21s7-6.200 7-11.500A7 7 0 0 0 5 9.500C5 14.800 12 21 12 21zM12 12a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  floors: "M4 20h5v-5h5v-5h5V5",
  print: "M7 8V3h10v5M7 17H4V9a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v8h-3M7 14h10v7H7z",
};

/** A decorative icon: what it means is said in words beside it. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[name] }));
}
