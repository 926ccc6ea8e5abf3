// Elements are made here, and text only ever becomes text: nothing in the pages parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `props`: properties, `class`, `on…` listeners, and attributes where a name has a dash or is `role`. */
export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element; every prop is an attribute. */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter(isShown));
  return node;
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || !(name in node)) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat().filter(isShown));
  return node;
}

const isShown = (child) => child !== null && child !== undefined && child !== false;

/** Set a node's text only when it differs, so that screen readers and selections stay undisturbed. */
export function say(node, text) {
  const wanted = text ?? "";
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Replace all children. */
export function show(node, ...children) {
  node.replaceChildren(...children.flat().filter(isShown));
}

/**
 * Keep the children of `list` in step with `items` without making anew what stays: focus and animations survive.
 * `make(item)` gives a node, `update(node, item, isNew)` brings it up to date.
 */
export function keepList(list, items, keyOf, make, update) {
  const known = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let place = list.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let node = known.get(key);
    const isNew = node === undefined;
    if (isNew) {
      node = make(item);
      node.dataset.key = key;
    }
    known.delete(key);
    update(node, item, isNew);
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
  }
  for (const gone of known.values()) gone.remove();
}

/** Run `act` while the button shows that it is busy; a second tap meanwhile does nothing. */
export async function whileBusy(button, act) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}
