// Keeps the shell of the page so that it opens without a connection. Answers of the gateway are never kept here.

importScripts("files.js"); // self.SHELL = {version, paths}; a new text there installs a new shell

const SHELF = `shell-${self.SHELL.version}`;
const PATHS = new Set(self.SHELL.paths);

self.addEventListener("install", (event) => {
  const kept = caches.open(SHELF).then((shelf) => shelf.addAll(self.SHELL.paths.map((path) => new Request(path, { cache: "no-cache" }))));
  event.waitUntil(kept.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const cleared = caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELF).map((name) => caches.delete(name))));
  event.waitUntil(cleared.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin || !PATHS.has(pathname)) return;
  event.respondWith(caches.match(pathname, { cacheName: SHELF }).then((kept) => kept ?? fetch(event.request)));
});
