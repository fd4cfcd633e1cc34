// What people are told when the site says no, and what they can do about it. Programs read the problem's type.

const TOO_MANY = "Too many people are here at the moment.";

const WORDS = {
  "handle-taken": "This name is taken. Choose another one.",
  "wrong-credentials": "Wrong name or password. Check both, then try again.",
  "wrong-code": "This code is wrong. Type the one that your authenticator shows now.",
  "code-used": "This code was used already. Wait for the next one, half a minute at most.",
  "too-many-codes": "Too many wrong codes.",
  "too-many-guesses": "Too many wrong passwords for this account. A device that was logged in to it before can still log in.",
  "too-many-requests": "That was a lot at once.",
  "unknown-challenge": "This login has expired. Go back and log in again.",
  "second-factor-on": "Your second factor is on already.",
  "second-factor-off": "Your second factor is off already.",
  "codes-not-checked": "Codes of second factors are not checked at the moment.",
  "not-enrolled": "This secret is not good any more. Set the second factor up again.",
  "unknown-account": "Nobody has this name, or they show this to their followers only.",
  "unknown-post": "This post is not there any more, or its author shows it to followers only.",
  "unknown-request": "This account does not ask to follow you any more.",
  "own-account": "You cannot follow yourself.",
  "protected-post": "Posts of protected accounts cannot be retweeted.",
  "invalid-request": "failwhale does not take this. Check what you typed.",
  "not-signed-in": "You are not logged in. Log in first.",
  "not-replicated": "Only one of two stores has it, so it may get lost. Doing it again is safe.",
  "switched-off": "This is switched off at the moment.",
  "text-blocked": "This text may not be posted. Say it otherwise.",
  overloaded: TOO_MANY,
  "too-many-streams": TOO_MANY,
};

// `isRead`: nothing was to be changed, so nothing can have been, unseen.
export function inWords(status, slug, title, { isRead, retryAfter }) {
  if (status === 0) return "failwhale cannot be reached. Check your connection, then try again.";
  if (status === 504 && !isRead) return "failwhale took too long. It may have been done all the same: look before you try again.";
  if (status === 504) return "failwhale took too long. Try again in a moment.";
  const words = WORDS[slug] ?? (status >= 500 || !title ? "failwhale is having trouble. It is us, not you." : `${title}.`);
  if (status === 429 || status >= 500) return `${words} Try again ${when(retryAfter)}.`;
  return words;
}

function when(seconds) {
  if (!(seconds > 1)) return "in a moment";
  return seconds < 90 ? `in ${seconds} seconds` : `in ${Math.ceil(seconds / 60)} minutes`;
}
