// The shell: navigation, the live badge, and which view is shown for which address.

import { call } from "./api.js";
import { avatar, h, icon, toast } from "./dom.js";
import { finder } from "./finder.js";
import { session } from "./session.js";
import { LiveStream } from "./stream.js";
import * as views from "./views.js";

const app = document.getElementById("app");
const badges = [];
let unread = 0;
let onLiveNotification = null;
let leaveView = new AbortController();

const stream = new LiveStream({
  onNotification: (item) => {
    if (onLiveNotification) return onLiveNotification(item);
    setUnread(unread + 1);
    toast(views.inWords(item));
  },
  onState: (state) => {
    document.body.dataset.stream = state;
    if (state === "live") refreshUnread();
  },
});

function setUnread(number) {
  unread = number;
  for (const badge of badges) {
    badge.textContent = number > 99 ? "99+" : String(number);
    badge.hidden = number === 0;
  }
  document.title = number ? `(${number}) failwhale` : "failwhale";
}

async function refreshUnread() {
  const answer = await call("GET", "/notifications/unread").catch(() => null);
  if (answer) setUnread(answer.count);
}

const ROUTES = [
  [/^\/?$/, views.home],
  [/^\/notifications$/, views.notifications],
  [/^\/settings$/, views.settings],
  [/^\/post\/([^/]+)$/, views.post],
  [/^\/@([^/]+)$/, views.profile],
  [/^\/@([^/]+)\/followers$/, views.followers],
  [/^\/@([^/]+)\/following$/, views.following],
];

function navigationLink(address, iconName, label, extra) {
  return h("a", { href: `#${address}`, "data-address": address }, icon(iconName), h("span", {}, label), extra);
}

let view = null;

function drawShell() {
  badges.length = 0;
  const me = `/@${encodeURIComponent(session.current.name)}`;
  const badge = h("span", { class: "badge", hidden: true });
  badges.push(badge);
  view = h("main", { class: "view" }, h("p", { class: "empty" }, "Loading…"));
  app.replaceChildren(
    h(
      "nav",
      { class: "rail", "aria-label": "Main" },
      h("a", { class: "brand", href: "#/" }, icon("mark"), h("span", {}, "failwhale")),
      navigationLink("/", "home", "Home"),
      navigationLink("/notifications", "bell", "Notifications", badge),
      navigationLink(me, "person", "Profile"),
      navigationLink("/settings", "key", "Settings"),
    ),
    view,
    h(
      "aside",
      { class: "side" },
      finder(),
      h(
        "section",
        { class: "card whoami" },
        h("a", { href: `#${me}` }, avatar(session.current.name, "small"), h("strong", {}, session.current.name)),
        h("p", { class: "stream-state" }, h("span", { class: "dot" }), h("span", { class: "when-live" }, "Live"), h("span", { class: "when-lost" }, "Reconnecting…")),
      ),
      h("p", { class: "hint" }, "Break it: ", h("code", {}, "failwhale chaos list")),
    ),
  );
}

function begin(name, token) {
  session.begin(name, token);
  location.hash = "#/";
  enter();
}

function leave() {
  session.end();
  location.hash = "#/";
  enter();
}

function enter() {
  setUnread(0);
  view = null;
  if (session.current) {
    drawShell();
    stream.start();
  } else {
    stream.stop();
    delete document.body.dataset.stream;
  }
  show();
}

async function show() {
  leaveView.abort();
  leaveView = new AbortController();
  const { signal } = leaveView;
  onLiveNotification = null;
  if (!session.current) {
    app.replaceChildren(h("main", { class: "outside" }));
    views.welcome(app.firstChild, { onSession: begin });
    return;
  }
  const address = location.hash.slice(1) || "/";
  for (const link of app.querySelectorAll("[data-address]")) {
    if (link.dataset.address === address) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // Built aside and shown when it is complete, so that a slow site leaves the old page readable.
  const next = h("div", { class: "view-body" });
  view.setAttribute("aria-busy", "true");
  try {
    const [draw, argument] = match(address);
    await draw(next, {
      argument,
      signal,
      onRead: () => setUnread(0),
      live: (handler) => {
        if (!signal.aborted) onLiveNotification = handler;
      },
      onLeave: leave,
    });
  } catch (error) {
    if (signal.aborted || !session.current) return;
    next.replaceChildren();
    if (error.status === 404 || error.slug === "invalid-request") views.missing(next);
    else if (error.isWhale) views.failWhale(next, error, { retry: show, signal });
    else next.append(h("p", { class: "empty" }, error.message));
    if (error.status === undefined) console.error(error);
  }
  if (signal.aborted || !view) return;
  view.removeAttribute("aria-busy");
  view.replaceChildren(next);
  window.scrollTo(0, 0);
}

function match(address) {
  for (const [pattern, draw] of ROUTES) {
    const found = pattern.exec(address);
    if (found) return [draw, found[1] && decodeURIComponent(found[1])];
  }
  return [views.missing, undefined];
}

window.addEventListener("hashchange", show);
window.addEventListener("not-replicated", () => toast("Done, but not yet on the second store."));
window.addEventListener("signed-out", () => {
  toast("You have been logged out.");
  enter();
});
enter();
