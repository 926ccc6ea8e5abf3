// How events arrive: four small charts of the last ten minutes.

import { el, say } from "../shell/dom.js";
import { t } from "../shell/words.js";
import { chart } from "./chart.js";
import { language } from "./texts/en.js";

const EVERY_MS = 5000;
const rate = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const count = new Intl.NumberFormat(language);
const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${rate.format(ms / 1000)} s`);

/** Asks for itself until `stop`. */
export function ingestCharts(app) {
  const charts = [
    [chart(t("ingest.events"), (value) => rate.format(value)), (point) => point.events_per_s],
    [chart(t("ingest.lag"), duration, t("ingest.quiet")), (point) => point.lag_ms],
    [chart(t("ingest.duplicates"), (value) => rate.format(value)), (point) => point.duplicates_per_s],
    [chart(t("ingest.gaps"), (value) => count.format(value)), (point) => point.gaps],
  ];
  const worker = el("p", { class: "small soft", hidden: true });
  const span = el("p", { class: "small soft" });
  const node = el("section", { class: "card ingest" }, el("div", { class: "spread" }, el("h2", {}, t("ingest.title")), span), worker, el("div", { class: "charts" }, charts.map(([one]) => one.node)));
  let timer = 0;
  const ask = async () => {
    clearTimeout(timer);
    const answer = document.hidden ? null : await app.desk.call("GET", "/ingest");
    if (answer?.ok) draw(answer.body);
    if (timer !== null) timer = setTimeout(ask, EVERY_MS);
  };
  const draw = ({ points, every_s: every, worker: said }) => {
    for (const [one, valueOf] of charts) one.update(points.map(valueOf));
    const minutes = Math.max(1, Math.round((points.length * every) / 60));
    const words = said && (said.database_up ? t("ingest.worker", { inbox: said.inbox, ms: rate.format(said.commit_ms ?? 0) }) : t("ingest.worker.down"));
    say(span, t("ingest.minutes", { count: minutes }));
    say(worker, words ?? "");
    worker.hidden = !words;
  };
  ask();
  return {
    node,
    stop() {
      clearTimeout(timer);
      timer = null;
    },
  };
}
