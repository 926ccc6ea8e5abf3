// The shopping list as the page keeps it: fetched now and then, ticked by the live cart at once.

/** The list's items with `have` and `ticked` as the cart on the page says; without a cart as the gateway said. */
export function tickedBy(items, cart) {
  if (!cart?.isComplete) return items.map((item) => ({ ...item, have: item.in_cart }));
  const pieces = new Map();
  for (const line of cart.lines) pieces.set(line.productId, (pieces.get(line.productId) ?? 0) + line.quantity);
  return items.map((item) => {
    const have = pieces.get(item.product_id) ?? 0;
    return { ...item, have, ticked: have >= item.quantity };
  });
}
