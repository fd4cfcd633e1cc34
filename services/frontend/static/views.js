// The pages of the app. Each builds into the element that it is given, and throws when the site refuses.

import { call, path, send } from "./api.js";
import { ago, avatar, count, h, icon, tellFailure, toast, waiting, whale } from "./dom.js";
import { finder } from "./finder.js";
import { composer, postCard, profileLink } from "./posts.js";
import { CODE_PATTERN, LONGEST_NAME, LONGEST_PASSWORD, NAME_PATTERN, SHORTEST_PASSWORD } from "./rules.js";
import { devices, session } from "./session.js";

const PAGE = 20;

// A list that grows by pages: `fetchPage(cursor)` answers {items, next}.
async function endless(into, fetchPage, draw, empty) {
  const list = h("div", { class: "list" });
  const more = h("button", { class: "quiet more", type: "button" }, "Show more");
  const load = async (cursor) => {
    const answer = await fetchPage(cursor);
    list.append(...answer.items.map(draw));
    if (!list.children.length) list.append(h("p", { class: "empty" }, empty));
    more.hidden = !answer.next;
    more.onclick = () => waiting(more, () => load(answer.next)).catch((error) => tellFailure(error));
  };
  await load(null);
  into.append(list, more);
  return list;
}

function pageOf(base, cursor) {
  const query = new URLSearchParams({ limit: PAGE });
  if (cursor) query.set("cursor", cursor);
  return call("GET", `${base}?${query}`);
}

const heading = (text, ...extra) => h("header", { class: "view-head" }, h("h1", {}, text), ...extra, finder());

function prepend(list, card) {
  list.querySelector(".empty")?.remove();
  list.prepend(card);
}

const FRESH_EVERY = 10_000;

export async function home(into, { signal }) {
  into.append(heading("Home"));
  const fresh = h("button", { class: "fresh", type: "button", hidden: true }, "New posts have surfaced");
  let list = null;
  into.append(
    composer({
      onPosted: (post) => {
        prepend(list, postCard(post));
        newest = post.id;
      },
    }),
    fresh,
  );
  let newest = null;
  let alone = false;
  list = await endless(
    into,
    async (cursor) => {
      const page = await pageOf("/timelines/home", cursor);
      if (!cursor) {
        newest = page.items[0]?.id ?? null;
        alone = page.items.every((post) => session.isMe(post.author.name));
      }
      return page;
    },
    postCard,
    "Nothing here yet. Follow somebody, or say something.",
  );
  if (alone) into.append(await whomToFollow(() => (fresh.hidden = false)));
  fresh.onclick = () => window.dispatchEvent(new Event("hashchange"));
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const page = await call("GET", "/timelines/home?limit=1").catch(() => null);
    if (page?.items.length && page.items[0].id !== newest && !list.querySelector(`[data-id="${page.items[0].id}"]`)) fresh.hidden = false;
  }, FRESH_EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}

// For a home in which nobody else says anything. It is an extra, so the home does without it when it is not to be had.
async function whomToFollow(onFollowed) {
  const suggested = await call("GET", "/me/suggestions?limit=5").catch(() => null);
  if (!suggested) return "";
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Whom to follow"),
    suggested.items.length
      ? h("div", { class: "list" }, suggested.items.map((user) => personRow(user, followButton({ ...user, state: "none" }, onFollowed))))
      : h("p", { class: "hint" }, "There is nobody to suggest yet. ", h("code", {}, "failwhale populate"), " brings people."),
  );
}

const SAYS = {
  mention: ["feather", "mentioned you"],
  retweet: ["retweet", "retweeted your post"],
  like: ["heart", "liked your post"],
  follow: ["person", "follows you"],
  "follow-request": ["lock", "asks to follow you"],
};

const saying = (item) => SAYS[item.kind] ?? ["bell", item.kind];

export const inWords = (item) => `${item.actor.name} ${saying(item)[1]}`;

// Where a notification leads: to what can be done about it.
function addressOf(item) {
  if (item.kind === "follow-request") return "#/settings";
  return item.post ? `#/post/${encodeURIComponent(item.post)}` : `#/@${encodeURIComponent(item.actor.name)}`;
}

function notificationRow(item) {
  const [picture, words] = saying(item);
  return h(
    "a",
    { class: `notification ${item.kind}`, href: addressOf(item) },
    icon(picture),
    avatar(item.actor.name, "small"),
    h("p", {}, h("strong", {}, item.actor.name), ` ${words}`),
    ago(item.created),
  );
}

export async function notifications(into, { live, onRead }) {
  into.append(heading("Notifications"));
  let newest = null;
  const list = await endless(
    into,
    async (cursor) => {
      const page = await pageOf("/notifications", cursor);
      if (!cursor) newest = page.items[0]?.id ?? null;
      return page;
    },
    notificationRow,
    "Quiet water. Nobody has mentioned, liked or followed you yet.",
  );
  const read = async (id) => {
    await send("PUT", "/notifications/read", { up_to: id }).catch(() => null);
    onRead();
  };
  if (newest) await read(newest);
  live((item) => {
    prepend(list, notificationRow(item));
    read(item.id);
  });
}

export async function post(into, { argument }) {
  into.append(heading("Post"));
  into.append(postCard(await call("GET", path`/posts/${argument}`)));
}

export async function profile(into, { argument: name }) {
  const user = await call("GET", path`/users/${name}`);
  const mine = session.isMe(user.name);
  into.append(
    heading("Profile"),
    h(
      "header",
      { class: "profile" },
      h("div", { class: "profile-sea" }),
      h("div", { class: "profile-top" }, avatar(user.name, "large"), mine ? h("a", { class: "button", href: "#/settings" }, "Settings") : session.current && followButton(user)),
      h("h2", {}, user.name, user.protected && icon("lock")),
      h(
        "p",
        { class: "numbers" },
        h("span", {}, h("strong", {}, count(user.posts)), " posts"),
        h("a", { href: `#/@${encodeURIComponent(user.name)}/followers` }, h("strong", {}, count(user.followers)), " followers"),
        h("a", { href: `#/@${encodeURIComponent(user.name)}/following` }, h("strong", {}, count(user.following)), " following"),
      ),
      user.joined && h("p", { class: "hint" }, "Here since ", new Date(user.joined).toLocaleDateString()),
    ),
  );
  try {
    await endless(into, (cursor) => pageOf(path`/timelines/users/${user.name}`, cursor), postCard, mine ? "You have not said anything yet." : "Nothing said yet.");
  } catch (error) {
    if (error.isWhale) throw error;
    into.append(h("p", { class: "empty" }, icon("lock"), " These posts are protected. Only approved followers see them."));
  }
}

const FOLLOW_WORDS = { following: "Following", requested: "Requested", none: "Follow" };

function followButton(user, onFollowed = () => {}) {
  let { state } = user;
  const button = h("button", { type: "button" });
  const show = () => {
    button.textContent = FOLLOW_WORDS[state];
    button.setAttribute("aria-label", `${FOLLOW_WORDS[state]} ${user.name}`);
    button.className = state === "none" ? "primary" : "button";
  };
  const change = async () => {
    const answer = await call(state === "none" ? "PUT" : "DELETE", path`/users/${user.name}/follow`);
    state = answer?.state ?? "none";
    if (state === "following") onFollowed();
  };
  button.addEventListener("click", async () => {
    const what = state === "none" ? `Could not follow ${user.name}.` : `Could not stop following ${user.name}.`;
    await waiting(button, change).catch((error) => tellFailure(error, what));
    show();
  });
  show();
  return button;
}

export const followers = (into, { argument }) => people(into, argument, "followers", "Nobody follows yet.");
export const following = (into, { argument }) => people(into, argument, "following", "Follows nobody yet.");

async function people(into, name, which, empty) {
  into.append(heading(`${name}: ${which}`, h("a", { class: "quiet", href: `#/@${encodeURIComponent(name)}` }, "Back")));
  await endless(into, (cursor) => pageOf(path`/users/${name}/${which}`, cursor), personRow, empty);
}

function personRow(user, ...actions) {
  return h("div", { class: "person" }, profileLink(user.name, avatar(user.name, "small")), profileLink(user.name, h("strong", {}, user.name)), h("span", { class: "actions" }, ...actions));
}

export function welcome(into, { onSession }) {
  const stage = h("section", { class: "card door" });
  into.append(
    h(
      "div",
      { class: "welcome" },
      h("div", { class: "hero" }, whale(), h("h1", {}, "failwhale"), h("p", {}, "A small social network that you can break. Say something before somebody pulls the plug.")),
      stage,
    ),
  );
  door(stage, "sign-up", onSession);
}

let rules = 0;

// A labelled input; its rule is there before anybody breaks it, and is read out with it.
function field(label, attributes, rule = "") {
  const id = `rule-${(rules += 1)}`;
  const input = h("input", { required: true, autocapitalize: "none", spellcheck: "false", "aria-describedby": rule ? id : null, title: rule || null, ...attributes });
  return h("div", { class: "field" }, h("label", {}, label, input), rule && h("p", { class: "hint", id }, rule));
}

// A form that says what went wrong under its button.
function form(submitLabel, fields, action) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const button = h("button", { class: "primary wide", type: "submit" }, submitLabel);
  const element = h("form", {}, ...fields, button, wrong);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.replaceChildren();
    try {
      await waiting(button, () => action(Object.fromEntries(new FormData(element))));
    } catch (error) {
      wrong.replaceChildren(error.message);
    }
  });
  return element;
}

function door(stage, which, onSession) {
  const enter = (name, answer) => {
    devices.keep(name, answer.device);
    onSession(name, answer.token);
  };
  const tab = (name, label) => h("button", { type: "button", role: "tab", "aria-selected": String(which === name), onclick: () => door(stage, name, onSession) }, label);
  const name = (rule) => field("Name", { name: "name", autocomplete: "username", maxlength: String(LONGEST_NAME), pattern: NAME_PATTERN }, rule);
  const password = (attributes, rule) => field("Password", { name: "password", type: "password", maxlength: String(LONGEST_PASSWORD), ...attributes }, rule);
  const newName = name(`Letters, digits and _, ${LONGEST_NAME} at most. Everybody sees it.`);
  const newPassword = password({ autocomplete: "new-password", minlength: String(SHORTEST_PASSWORD) }, `At least ${SHORTEST_PASSWORD} characters.`);
  const signUp = () =>
    form("Create account", [newName, newPassword], async (given) => {
      const account = await call("POST", "/accounts", given);
      enter(account.name, account);
    });
  const logIn = () =>
    form("Log in", [name(), password({ autocomplete: "current-password" })], async (given) => {
      const answer = await call("POST", "/sessions", { ...given, device: devices.of(given.name) });
      if (answer.challenge) secondFactor(stage, given.name, answer.challenge, onSession);
      else enter(given.name, answer);
    });
  stage.replaceChildren(h("div", { class: "tabs", role: "tablist" }, tab("sign-up", "Sign up"), tab("log-in", "Log in")), which === "sign-up" ? signUp() : logIn());
}

const codeField = () =>
  field("Code", { name: "code", inputmode: "numeric", autocomplete: "one-time-code", pattern: CODE_PATTERN, maxlength: "6" }, "The six digits that your authenticator shows now.");

function secondFactor(stage, name, challenge, onSession) {
  const code = codeField();
  stage.replaceChildren(
    h("h2", {}, "One more thing"),
    h("p", { class: "hint" }, "Your account has a second factor, so your password alone is not enough."),
    form("Verify", [code], async (given) => {
      const answer = await call("POST", "/sessions/second-factor", { challenge, code: given.code });
      devices.keep(name, answer.device);
      onSession(name, answer.token);
    }),
    h("button", { class: "quiet", type: "button", onclick: () => door(stage, "log-in", onSession) }, "Back"),
  );
  code.querySelector("input").focus();
}

export async function settings(into, { onLeave }) {
  const me = await call("GET", path`/users/${session.current.name}`);
  into.append(heading("Settings"), protection(me), await followRequests(), await secondFactorSettings(), leaving(onLeave));
}

function act(label, kind, action) {
  const button = h("button", { type: "button", class: kind }, label);
  button.addEventListener("click", () => waiting(button, action).catch((error) => tellFailure(error)));
  return button;
}

function protection(me) {
  const section = h("section", { class: "card" });
  const show = (on) =>
    section.replaceChildren(
      h("h2", {}, "Protected account"),
      h("p", { class: "hint" }, on ? "Only followers whom you approve see your posts." : "Everybody sees your posts."),
      act(on ? "Make public" : "Protect my posts", "button", async () => {
        await call(on ? "DELETE" : "PUT", "/me/protection");
        show(!on);
      }),
    );
  show(Boolean(me.protected));
  return section;
}

async function followRequests() {
  const waiting = await call("GET", "/me/follow-requests");
  const list = h("div", { class: "list" });
  const decide = (user, row, method, label, kind) =>
    act(label, kind, async () => {
      await call(method, path`/me/follow-requests/${user.name}`);
      row().remove();
    });
  for (const user of waiting.items) {
    const row = personRow(user, decide(user, () => row, "PUT", "Approve", "primary"), decide(user, () => row, "DELETE", "Deny", "button"));
    list.append(row);
  }
  return h("section", { class: "card" }, h("h2", {}, "Follow requests"), waiting.items.length ? list : h("p", { class: "hint" }, "Nobody is waiting."));
}

async function secondFactorSettings() {
  const section = h("section", { class: "card" });
  const show = (...content) => section.replaceChildren(h("h2", {}, "Second factor"), ...content);
  const hint = (text) => h("p", { class: "hint" }, text);
  const confirm = (enrolled) =>
    show(
      hint("Add this secret to your authenticator, then type the code that it shows. Until then nothing changes."),
      h("p", {}, h("code", { class: "secret" }, enrolled.secret), " ", h("a", { href: enrolled.uri }, "open in an app")),
      form("Switch on", [codeField()], async (given) => {
        await call("POST", "/me/second-factor/confirm", given);
        toast("Second factor is on.");
        showOn();
      }),
      h("button", { class: "quiet", type: "button", onclick: showOff }, "Not now"),
    );
  const showOff = () =>
    show(
      h("p", { class: "state" }, "Off"),
      hint("Switch it on, and each login asks for a code from your authenticator besides the password."),
      act("Set up", "button", async () => confirm(await call("POST", "/me/second-factor"))),
    );
  const showOn = () =>
    show(
      h("p", { class: "state on" }, "On"),
      hint("Each login asks for a code from your authenticator besides the password."),
      h(
        "details",
        {},
        h("summary", {}, "Switch it off"),
        form("Switch off", [codeField()], async (given) => {
          await call("DELETE", "/me/second-factor", given);
          toast("Second factor is off.");
          showOff();
        }),
      ),
    );
  const look = async () => ((await call("GET", "/me/second-factor")).on ? showOn() : showOff());
  // Other settings do not need the service that knows this.
  await look().catch((error) => show(h("p", { class: "wrong" }, error.message), act("Look again", "button", look)));
  return section;
}

function leaving(onLeave) {
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Leave"),
    h(
      "div",
      { class: "buttons" },
      act("Log out", "button", async () => {
        await call("DELETE", "/sessions/current");
        onLeave();
      }),
      act("Log out everywhere", "button", async () => {
        await call("DELETE", "/sessions");
        onLeave();
      }),
    ),
  );
}

export function missing(into) {
  into.append(heading("Not found"), h("div", { class: "empty" }, h("h2", {}, "Nothing swims here"), h("p", {}, "There is no such page, post or person. People are found by their whole name.")));
}

const RETRY_SECONDS = 8;

// The fail whale: what happened, in plain words, and another try by itself.
export function failWhale(into, error, { retry, signal }) {
  const left = h("span", {}, String(RETRY_SECONDS));
  into.append(
    h(
      "section",
      { class: "fail", role: "alert" },
      whale(),
      h("h1", {}, "The whale bit the cable"),
      h("p", {}, error.message),
      error.status > 0 && h("p", { class: "hint" }, [error.status, error.title, error.request && `request ${error.request}`].filter(Boolean).join(" · ")),
      h("button", { class: "primary", type: "button", onclick: retry }, "Try again"),
      h("p", { class: "hint" }, "Trying again by itself in ", left, " s"),
    ),
  );
  let seconds = RETRY_SECONDS;
  const timer = setInterval(() => {
    seconds -= 1;
    left.textContent = String(seconds);
    if (seconds <= 0) retry();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
