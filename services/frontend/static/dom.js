// Builds elements. Text always goes in as text, so nothing that a user wrote can become markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list" && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function whale() {
  return document.getElementById("whale").content.cloneNode(true);
}

// A round picture for a name: its first letter on a colour that is always the same for that name.
export function avatar(name, size = "") {
  let hue = 0;
  for (const letter of name.toLowerCase()) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  const element = h("span", { class: `avatar ${size}`, "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
  element.style.setProperty("--hue", hue);
  return element;
}

// A button that waits: nobody presses it twice, everybody sees or hears that it is at work, and it comes back.
export async function waiting(button, work) {
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    if (hadFocus && document.activeElement === document.body) button.focus();
  }
}

const TOLD_MS = 4200;
const FAILURE_TOLD_MS = 9000;

export function toast(message, kind = "") {
  const element = h("div", { class: `toast ${kind}` }, message);
  document.getElementById("toasts").append(element);
  const shown = kind ? FAILURE_TOLD_MS : TOLD_MS;
  setTimeout(() => element.classList.add("leaving"), shown);
  setTimeout(() => element.remove(), shown + 400);
}

// What went wrong with something that is not the whole page.
export function tellFailure(error, what = "") {
  toast(`${what} ${error.message}`.trim(), error.isWhale ? "whale-toast" : "refused");
}

const UNITS = [
  ["y", 31536000],
  ["d", 86400],
  ["h", 3600],
  ["m", 60],
];

// "4m", "2h": how long ago an RFC 3339 time was, as a <time> element with the whole truth in its title.
export function ago(created) {
  const then = new Date(created);
  const seconds = Math.max(0, (Date.now() - then.getTime()) / 1000);
  const unit = UNITS.find(([, length]) => seconds >= length);
  const text = unit ? `${Math.floor(seconds / unit[1])}${unit[0]}` : seconds < 5 ? "now" : `${Math.floor(seconds)}s`;
  return h("time", { datetime: created, title: then.toLocaleString() }, text);
}

export function count(number) {
  if (number < 1000) return String(number);
  if (number < 1_000_000) return `${(number / 1000).toFixed(number < 10_000 ? 1 : 0)}k`;
  return `${(number / 1_000_000).toFixed(1)}M`;
}
