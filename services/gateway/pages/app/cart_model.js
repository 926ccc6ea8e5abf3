// The cart as the page shows it, made from either source, and which of two states is newer. Nothing here touches the page.

import { toMinor } from "../shell/words.js";

/** From GET /cart/view: complete. */
export function fromView(view) {
  return {
    cartId: view.cart_id,
    sessionId: view.session_id,
    version: view.version,
    status: view.status,
    isComplete: true,
    lines: view.items.map((item) => ({
      line: item.cart_items_id,
      productId: item.product_id,
      name: item.product.product_name,
      quantity: item.quantity,
      unitMinor: toMinor(item.unit_price),
      totalMinor: toMinor(item.line_total),
    })),
    pieces: view.total_items,
    subtotalMinor: toMinor(view.subtotal),
    discountMinor: toMinor(view.discount),
    totalMinor: toMinor(view.total),
    currency: view.currency,
    verdict: view.weight.verdict,
    notices: view.notices,
  };
}

/** From a state on MQTT: `isComplete` is false when lines had to be left out. */
export function fromState(state) {
  return {
    cartId: state.cart_id,
    sessionId: state.session_id,
    version: state.version,
    status: state.status,
    isComplete: state.lines_omitted === 0,
    lines: state.lines.map((line) => ({
      line: line.line,
      productId: line.product_id,
      name: line.name,
      quantity: line.quantity,
      unitMinor: line.unit_price_minor,
      totalMinor: line.total_minor,
    })),
    pieces: state.total_items,
    subtotalMinor: state.subtotal_minor,
    discountMinor: state.discount_minor,
    totalMinor: state.total_minor,
    currency: state.currency,
    verdict: state.weight.verdict,
    notices: state.notices,
  };
}

/** Of one trip only a larger version is news; the same version is, when it brings the lines that were left out. */
export function isNews(shown, next) {
  if (shown.sessionId !== next.sessionId) return false;
  if (next.version !== shown.version) return next.version > shown.version;
  return next.isComplete && !shown.isComplete;
}

/** A state of the same trip with the oldest lines left out: those that are shown stay, until a snapshot brings them all. */
export function withLinesLeftOut(shown, next) {
  if (next.isComplete) return next;
  const oldest = Math.min(...next.lines.map(({ line }) => line));
  return { ...next, lines: [...shown.lines.filter(({ line }) => line < oldest), ...next.lines] };
}

/** What a step brought, for those who hear the page: lines by number whose quantity changed. */
export function changesBetween(before, after) {
  const known = new Map((before?.lines ?? []).map((line) => [line.line, line]));
  const changes = [];
  for (const line of after.lines) {
    const was = known.get(line.line)?.quantity ?? 0;
    known.delete(line.line);
    if (line.quantity !== was) changes.push({ line, pieces: line.quantity - was });
  }
  for (const gone of known.values()) changes.push({ line: gone, pieces: -gone.quantity });
  return changes;
}
