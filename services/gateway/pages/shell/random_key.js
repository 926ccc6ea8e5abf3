// A key for one wish, sent with each try of it. randomUUID would need HTTPS, which a test in the store's network may lack.

/** 128 random bits in hexadecimal. */
export function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
