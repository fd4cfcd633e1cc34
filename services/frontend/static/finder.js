// Goes to a person by name.

import { h } from "./dom.js";

export function finder() {
  const input = h("input", { type: "search", placeholder: "Find somebody", "aria-label": "Find somebody by name", autocapitalize: "none", spellcheck: "false" });
  return h(
    "form",
    {
      class: "finder",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        const name = input.value.trim().replace(/^@/, "");
        if (name) location.hash = `#/@${encodeURIComponent(name)}`;
        input.value = "";
      },
    },
    input,
  );
}
