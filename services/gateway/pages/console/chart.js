// A small chart of the last minutes: the newest number large, the rest as a line.

import { el, say, svg } from "../shell/dom.js";
import { t } from "../shell/words.js";

const [WIDTH, HEIGHT, PAD] = [240, 56, 3];

/** A figure with `node` and `update(values)`; null among the values is a hole. `format` says a value. */
export function chart(title, format, none) {
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "line" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  const newest = el("strong", { class: "newest number" });
  const high = el("span", { class: "soft small number" });
  const node = el("figure", { class: "chart" }, el("figcaption", { class: "small soft" }, title), el("div", { class: "spread" }, newest, high), picture);
  const update = (values) => {
    const known = values.filter((value) => value !== null);
    const top = Math.max(...known, 0);
    const last = values.at(-1) ?? null;
    say(newest, values.length === 0 ? t("ingest.wait") : last === null ? none : format(last));
    say(high, top > 0 ? t("ingest.high", { value: format(top) }) : "");
    const runs = pieces(values, top);
    line.setAttribute("d", runs.map((run) => `M${run.map((spot) => spot.join(" ")).join("L")}`).join(""));
    area.setAttribute("d", runs.map((run) => `M${run[0][0]} ${HEIGHT}L${run.map((spot) => spot.join(" ")).join("L")}L${run.at(-1)[0]} ${HEIGHT}Z`).join(""));
  };
  return { node, update };
}

// The line in pieces without holes; the newest value stands at the right edge.
function pieces(values, top) {
  const scale = top > 0 ? (HEIGHT - 2 * PAD) / top : 0;
  const step = WIDTH / Math.max(values.length - 1, 1);
  const runs = [[]];
  for (const [index, value] of values.entries()) {
    if (value === null) {
      if (runs.at(-1).length) runs.push([]);
    } else runs.at(-1).push([(index * step).toFixed(1), (HEIGHT - PAD - value * scale).toFixed(1)]);
  }
  return runs.filter((run) => run.length > 0);
}
