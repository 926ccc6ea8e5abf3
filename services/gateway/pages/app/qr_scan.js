// Reading a cart's QR code with the camera. The code holds the page's address with `#take=12` or `#take=12.123456`
// (number, and the code while the display shows it), or the bare number.

import { el } from "../shell/dom.js";
import { openSheet } from "../shell/sheet.js";
import { t } from "../shell/words.js";

const TAKE = /(?:#take=|^)([1-9][0-9]{0,8})(?:\.([0-9]{6}))?$/;
const LOOK_EVERY_MS = 150;

/** Whether the browser has both a reader and a camera to offer. */
export const canScan = () => "BarcodeDetector" in globalThis && Boolean(navigator.mediaDevices?.getUserMedia);

/** What a QR code says: {cartId, code} or null when it is no cart's. */
export function readCartCode(text) {
  const found = TAKE.exec(text.trim());
  return found ? { cartId: Number(found[1]), code: found[2] ?? null } : null;
}

/** Show the camera until a cart's code is seen or the shopper closes it; null then. */
export async function scanCart(app) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    app.tell(t("take.camera.refused"));
    return null;
  }
  const video = el("video", { class: "camera", playsInline: true, muted: true, autoplay: true });
  video.srcObject = stream;
  const said = el("p", { class: "soft", role: "status" });
  const sheet = openSheet(t("take.camera.title"), video, said);
  const detector = new globalThis.BarcodeDetector({ formats: ["qr_code"] });
  return new Promise((resolve) => {
    let read = null;
    const look = async () => {
      if (!sheet.open) return;
      const [seen] = await detector.detect(video).catch(() => []);
      read = seen ? readCartCode(seen.rawValue) : null;
      if (read) return sheet.close();
      if (seen) said.textContent = t("take.camera.unread");
      setTimeout(look, LOOK_EVERY_MS);
    };
    sheet.addEventListener("close", () => {
      for (const track of stream.getTracks()) track.stop();
      resolve(read);
    });
    look();
  });
}
