// Runs before textual.js: tells it where the web socket is.
"use strict";

const address = new URL(window.location.href);
const terminal = document.getElementById("terminal");

// Relative to what the browser sees, so that it works through a tunnel or a proxy as well.
const socket = new URL("/ws", address);
socket.protocol = address.protocol === "https:" ? "wss:" : "ws:";
terminal.dataset.sessionWebsocketUrl = socket.href;

const size = Number.parseInt(address.searchParams.get("fontsize") ?? "16", 10);
terminal.dataset.fontSize = String(Math.min(Math.max(size || 16, 6), 48));

// Keys go where they are needed without a click first: to the app once it draws, to the button once it has ended.
const restart = document.getElementById("restart");
restart.addEventListener("click", () => window.location.reload());
new MutationObserver(() => {
  const closed = document.body.classList.contains("-closed");
  (closed ? restart : terminal.querySelector("textarea"))?.focus();
}).observe(document.body, { attributeFilter: ["class"] });

// A download that starts a moment after a key may be blocked as a pop-up, but not one by a link.
const open = window.open.bind(window);
window.open = (url, ...rest) => {
  if (!String(url).startsWith(`${address.origin}/download/`)) return open(url, ...rest);
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
  return null;
};
