// A post, and what can be done with it.

import { call, path } from "./api.js";
import { ago, avatar, count, h, icon, tellFailure, waiting } from "./dom.js";
import { LONGEST_POST } from "./rules.js";
import { marks, session } from "./session.js";

const MENTION = /(@[A-Za-z0-9_]+)/;

export function profileLink(name, ...content) {
  return h("a", { href: `#/@${encodeURIComponent(name)}` }, ...(content.length ? content : [`@${name}`]));
}

function textWithMentions(text) {
  return text.split(MENTION).map((part) => (part.startsWith("@") && part.length > 1 ? profileLink(part.slice(1)) : part));
}

// A button that is on or off. It shows the new state at once and goes back when the site refuses.
function toggle(kind, iconName, post, counter, label) {
  let on = marks.has(kind, post.id);
  const number = h("span", {}, count(post[counter]));
  const button = h("button", { class: `act ${kind}`, type: "button", "aria-label": label, title: label }, icon(iconName), number);
  const show = () => {
    button.classList.toggle("on", on);
    button.setAttribute("aria-pressed", String(on));
    number.textContent = count(Math.max(0, post[counter]));
  };
  const flip = () => {
    on = !on;
    post[counter] += on ? 1 : -1;
    marks.set(kind, post.id, on);
    show();
  };
  button.addEventListener("click", async () => {
    flip();
    try {
      await waiting(button, () => call(on ? "PUT" : "DELETE", path`/posts/${post.id}/` + kind));
    } catch (error) {
      const what = on ? `Could not ${label.toLowerCase()} this.` : `Could not undo the ${label.toLowerCase()}.`;
      flip();
      tellFailure(error, what);
    }
  });
  show();
  return button;
}

export function postCard(post) {
  const card = h("article", { class: "post", "data-id": post.id });
  const mine = session.isMe(post.author.name);
  card.append(
    post.retweeted_by
      ? h("p", { class: "retweeted" }, icon("retweet"), profileLink(post.retweeted_by.name), " retweeted")
      : "",
    profileLink(post.author.name, avatar(post.author.name)),
    h(
      "div",
      { class: "post-main" },
      h("header", {}, profileLink(post.author.name, h("strong", {}, post.author.name)), ago(post.created)),
      h("p", { class: "post-text" }, textWithMentions(post.text)),
      h(
        "footer",
        {},
        toggle("like", "heart", post, "likes", "Like"),
        toggle("retweet", "retweet", post, "retweets", "Retweet"),
        mine && h("button", { class: "act delete", type: "button", "aria-label": "Delete", title: "Delete", onclick: (event) => remove(post, card, event.currentTarget) }, icon("bin")),
      ),
    ),
  );
  return card;
}

async function remove(post, card, button) {
  if (!confirm("Delete this post?")) return;
  try {
    await waiting(button, () => call("DELETE", path`/posts/${post.id}`));
    card.remove();
  } catch (error) {
    tellFailure(error, "Could not delete this.");
  }
}

export function composer({ onPosted }) {
  const area = h("textarea", { rows: 2, placeholder: "What is surfacing?", "aria-label": `New post, ${LONGEST_POST} characters at most` });
  const left = h("span", { class: "left", "aria-live": "off" });
  const button = h("button", { class: "primary", type: "submit" }, "Post");
  // One key for each text that is sent: sending it again after a failure does not post it twice.
  let key = null;

  const length = () => [...area.value.trim()].length;
  const show = () => {
    const rest = LONGEST_POST - length();
    left.textContent = rest <= 60 ? String(rest) : "";
    left.classList.toggle("over", rest < 0);
    button.disabled = rest < 0 || length() === 0;
    if (!area.isConnected) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  };
  area.addEventListener("input", () => {
    key = null;
    show();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
  });

  const form = h("form", { class: "composer" }, avatar(session.current.name), h("div", { class: "composer-main" }, area, h("div", { class: "composer-foot" }, left, button)));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    key ??= crypto.randomUUID();
    try {
      const post = await waiting(button, () => call("POST", "/posts", { text: area.value.trim() }, { "idempotency-key": key }));
      area.value = "";
      key = null;
      onPosted(post);
    } catch (error) {
      tellFailure(error, "Your post could not be sent; it is still here.");
    }
    show();
  });
  show();
  return form;
}
