// The public API, and the two ways in which it says no: a problem of the caller's, or a whale.

import { inWords } from "./refusals.js";
import { session } from "./session.js";

export class Refused extends Error {
  // `message` is in people's words; `request` is the id under which the site's log has the rest.
  constructor(status, { type = "", title = "" } = {}, { isRead, retryAfter, request = "" } = {}) {
    const slug = type.split("/").pop();
    super(inWords(status, slug, title, { isRead, retryAfter }));
    this.status = status;
    this.slug = slug;
    this.title = title;
    this.request = request;
  }

  // The site could not do it, as opposed to: would not.
  get isWhale() {
    return this.status === 0 || this.status >= 500;
  }
}

export async function call(method, path, body, headers = {}) {
  const response = await send(method, path, body, headers);
  if (response.headers.get("failwhale-replicated") === "false") window.dispatchEvent(new Event("not-replicated"));
  if (response.status === 204) return null;
  return response.json();
}

// The same, with the answer's body still open: for the live stream.
export async function send(method, path, body, headers = {}, signal = undefined) {
  const all = { "failwhale-client": "page", ...headers };
  if (session.current) all.authorization = `Bearer ${session.current.token}`;
  if (body !== undefined) all["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const refused = new Refused(response.status, problem, {
    isRead: method === "GET",
    retryAfter: Number(response.headers.get("retry-after")),
    request: response.headers.get("failwhale-request") ?? "",
  });
  // A wrong password or code is a 401 as well; only this one is about the session.
  if (refused.slug === "not-signed-in" && session.current) {
    session.end();
    window.dispatchEvent(new Event("signed-out"));
  }
  throw refused;
}

export function path(strings, ...values) {
  return strings.reduce((all, part, i) => all + part + (i < values.length ? encodeURIComponent(values[i]) : ""), "");
}
