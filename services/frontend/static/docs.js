// The API at a glance, made from the site's OpenAPI document.

import { call } from "./api.js";
import { h } from "./dom.js";

function operationCard(method, path, operation) {
  const statuses = Object.entries(operation.responses).map(([status, response]) => h("li", {}, h("code", {}, status), ` ${response.description}`));
  const parameters = (operation.parameters ?? []).map((parameter) =>
    h("li", {}, h("code", {}, parameter.name), ` in ${parameter.in}${parameter.required ? "" : ", optional"}`),
  );
  return h(
    "details",
    { class: "card operation" },
    h("summary", {}, h("code", { class: `method method-${method}` }, method.toUpperCase()), h("code", {}, path), operation.security?.length && h("span", { class: "hint" }, operation.security.some((one) => !Object.keys(one).length) ? "session optional" : "session")),
    operation.description && h("p", {}, operation.description),
    parameters.length > 0 && h("ul", {}, parameters),
    h("ul", {}, statuses),
  );
}

const main = document.getElementById("operations");
const wait = h("p", { class: "hint", role: "status" }, "Loading…");
main.append(wait);
const description = await call("GET", "/openapi.json").catch((error) => {
  wait.replaceWith(h("p", { class: "wrong", role: "alert" }, error.message));
});
if (description) {
  wait.remove();
  const services = new Map();
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const service = operation.tags[0];
      services.set(service, [...(services.get(service) ?? []), operationCard(method, path, operation)]);
    }
  }
  for (const [service, cards] of services) main.append(h("h2", {}, service), ...cards);
}
