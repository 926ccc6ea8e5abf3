// How a mark gets from one spot of a plan to the next: around shelves, never through one. Spots are {x, y}, shelves
// [x1, y1, x2, y2], all as drawn.

const GAP_M = 0.3; // between a shelf's corner and who goes around it

/** The spots to go by, `to` the last of them: the shortest way by at most two corners; null when there is none. */
export function around(from, to, shelves) {
  const isFree = (way) => way.every((spot, index) => shelves.every((shelf) => !meets(index ? way[index - 1] : from, spot, shelf)));
  if (isFree([to])) return [to];
  const corners = shelves.filter((shelf) => meets(from, to, shelf)).flatMap(cornersOf);
  const ways = corners.flatMap((one) => [[one, to], ...corners.filter((other) => other !== one).map((other) => [one, other, to])]);
  return ways.filter(isFree).sort((one, other) => lengthOf(from, one) - lengthOf(from, other))[0] ?? null;
}

/** Move a mark to a spot within `ms`; at once when it was nowhere yet, when no way is known, or where motion is unwanted. */
export function glide(node, to, shelves, ms) {
  const target = translate(to);
  if (node.style.transform === target) return;
  const shown = getComputedStyle(node).transform; // where it is by now, if it is still on its way
  const isPlaced = node.style.transform !== "" && shown !== "" && shown !== "none";
  node.style.transform = target;
  for (const movement of node.getAnimations()) movement.cancel();
  if (!isPlaced || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const { e: x, f: y } = new DOMMatrix(shown);
  const way = around({ x, y }, to, shelves);
  if (way === null) return;
  const whole = lengthOf({ x, y }, way) || 1;
  const frames = [{ x, y }, ...way].map((spot, index) => ({ transform: translate(spot), offset: lengthOf({ x, y }, way.slice(0, index)) / whole }));
  frames.at(-1).offset = 1;
  node.animate(frames, { duration: ms });
}

const translate = ({ x, y }) => `translate(${x}px, ${y}px)`;

const lengthOf = (from, way) => way.reduce((sum, { x, y }, index) => sum + Math.hypot(x - (index ? way[index - 1] : from).x, y - (index ? way[index - 1] : from).y), 0);

const cornersOf = ([x1, y1, x2, y2]) => [x1 - GAP_M, x2 + GAP_M].flatMap((x) => [y1 - GAP_M, y2 + GAP_M].map((y) => ({ x, y })));

/** Whether the straight line goes through the inside of the rectangle (Liang and Barsky, 1984). */
function meets(from, to, [x1, y1, x2, y2]) {
  let [enters, leaves] = [0, 1];
  for (const [start, step, low, high] of [[from.x, to.x - from.x, x1, x2], [from.y, to.y - from.y, y1, y2]]) {
    if (step === 0) {
      if (start <= low || start >= high) return false;
      continue;
    }
    const [one, other] = [(low - start) / step, (high - start) / step];
    enters = Math.max(enters, Math.min(one, other));
    leaves = Math.min(leaves, Math.max(one, other));
  }
  return enters < leaves;
}
