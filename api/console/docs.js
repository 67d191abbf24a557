// The reference of the location API, from its OpenAPI document. Built in, so that it works where
// nothing else can be reached.

import { byId, el } from "./dom.js";
import { ask } from "./requests.js";

const METHODS = ["get", "post", "delete", "put", "patch"];

function typeName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.type === "array") {
    const items = schema.prefixItems ?? [schema.items];
    return `list of ${[...new Set(items.map(typeName))].join(", ")}`;
  }
  return schema.format ?? schema.type ?? "any";
}

function pretty(example) {
  return typeof example === "string" ? example : JSON.stringify(example, null, 2);
}

function response([status, { description, content = {} }]) {
  const parts = [el("h3", {}, `${status}: ${description}`)];
  for (const [type, { schema, example }] of Object.entries(content)) {
    parts.push(el("p", {}, [type, typeName(schema)].filter(Boolean).join(": ")));
    if (example !== undefined) parts.push(el("pre", {}, pretty(example)));
  }
  return parts;
}

function operation(path, method, about) {
  const parameters = (about.parameters ?? []).map((p) =>
    el("tr", {}, el("th", {}, p.name), el("td", {}, p.in), el("td", {}, typeName(p.schema)),
      el("td", {}, p.description ?? "")));
  const body = about.requestBody?.content?.["application/json"]?.schema;
  return el("details", { class: "panel" },
    el("summary", {}, el("code", {}, el("span", { class: "method" }, method.toUpperCase()), path),
      about.summary ?? ""),
    el("p", {}, about.description ?? ""),
    parameters.length ? el("table", {}, ...parameters) : "",
    body ? el("h3", {}, `Request: ${typeName(body)}`) : "",
    ...Object.entries(about.responses).flatMap(response));
}

function model([name, schema]) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([field, about]) =>
    el("tr", {}, el("th", {}, field + (required.has(field) ? "" : " (optional)")),
      el("td", {}, typeName(about)), el("td", {}, about.description ?? "")));
  return el("details", { class: "panel" }, el("summary", {}, el("code", {}, name)),
    el("p", {}, schema.description ?? ""), el("table", {}, ...rows));
}

async function show() {
  const page = byId("reference");
  try {
    const api = await ask("GET", "/openapi.json");
    const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      METHODS.filter((m) => methods[m]).map((m) => operation(path, m, methods[m])));
    page.replaceChildren(
      el("h1", {}, `${api.info.title} ${api.info.version}`),
      el("p", { class: "lead" }, api.info.description),
      el("section", {}, el("h2", {}, "Requests"), ...operations),
      el("section", {}, el("h2", {}, "Messages"),
        ...Object.entries(api.components.schemas).map(model)));
  } catch (error) {
    page.replaceChildren(el("p", { class: "notice" }, error.message));
  }
}

show();
