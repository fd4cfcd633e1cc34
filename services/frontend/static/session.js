// Who is signed in, and what this person liked and retweeted here: posts come without the reader's own marks.

const KEY = "failwhale.session";
const MARKS = "failwhale.marks";
const KEPT_MARKS = 2000;
const DEVICES = "failwhale.devices";

function load(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export const session = {
  current: load(KEY, null),

  begin(name, token) {
    this.current = { name, token };
    localStorage.setItem(KEY, JSON.stringify(this.current));
  },

  end() {
    this.current = null;
    localStorage.removeItem(KEY);
    localStorage.removeItem(MARKS);
  },

  isMe(name) {
    return this.current !== null && this.current.name.toLowerCase() === name.toLowerCase();
  },
};

export const marks = {
  has(kind, id) {
    return load(MARKS, []).includes(`${kind}:${id}`);
  },

  set(kind, id, on) {
    const mark = `${kind}:${id}`;
    const kept = load(MARKS, []).filter((other) => other !== mark);
    if (on) kept.push(mark);
    localStorage.setItem(MARKS, JSON.stringify(kept.slice(-KEPT_MARKS)));
  },
};

// By which the site knows that somebody was signed in here before: guesses made elsewhere do not count here.
export const devices = {
  of(name) {
    return load(DEVICES, {})[name.toLowerCase()];
  },

  keep(name, device) {
    localStorage.setItem(DEVICES, JSON.stringify({ ...load(DEVICES, {}), [name.toLowerCase()]: device }));
  },
};
