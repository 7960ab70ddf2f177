// The OpenAPI document, to read.

import { createApi } from "./api.js";
import { make } from "./dom.js";
import { sentence } from "./figures.js";
import { createKey } from "./key.js";

const find = (id) => document.getElementById(id);
const key = createKey(find("key"), start);
const api = createApi(() => key.value);
start();

async function start() {
  find("problem").hidden = true;
  try {
    draw(await api.openapi());
  } catch (error) {
    if (error.status === 401) key.ask();
    find("problem").textContent = sentence(error.message);
    find("problem").hidden = false;
  }
}

function draw(document) {
  find("about").textContent = document.info.description;
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => drawCall(method.toUpperCase(), path, call)));
  find("calls").replaceChildren(...calls);
}

function drawCall(method, path, call) {
  const body = call.requestBody?.content;
  const inside = [make("p", {}, call.description ?? call.summary ?? "")];
  if (call.parameters?.length) inside.push(table("Parameters", call.parameters.map(parameterRow)));
  for (const [media, { schema }] of Object.entries(body ?? {})) {
    if (schema?.properties) inside.push(table(`Body, ${media}`, propertyRows(schema)));
    if (schema?.example) inside.push(make("pre", { tabindex: 0 }, JSON.stringify(schema.example, null, 2)));
  }
  inside.push(table("Answers", Object.entries(call.responses ?? {}).map(([status, { description }]) => [status, "", description])));
  return make("details", { class: "card" },
    make("summary", {}, make("span", { class: "method" }, method), " ", make("code", {}, path)),
    make("div", {}, ...inside));
}

function table(caption, rows) {
  const cells = (row) => row.map((text, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, i ? text : make("code", {}, text)));
  return make("div", { class: "scroll" },
    make("table", {}, make("caption", { class: "unseen" }, caption), make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row))))));
}

const parameterRow = ({ name, schema, description }) => [name, typeOf(schema ?? {}), description ?? ""];

const propertyRows = ({ properties, required = [] }) => Object.entries(properties).map(([name, schema]) =>
  [name, typeOf(schema), [required.includes(name) && "required", schema.description].filter(Boolean).join("; ")]);

// A type with its bounds, in a few words.
function typeOf(schema) {
  const kinds = (schema.oneOf ?? schema.anyOf ?? [schema]).map(({ type, enum: values }) => (values ?? [type].flat()).join(", "));
  const { minimum, maximum, default: standard } = schema;
  const bounds = [minimum !== undefined && `from ${minimum}`, maximum !== undefined && `to ${maximum}`];
  const usual = standard !== undefined && `(${JSON.stringify(standard)})`;
  return [...new Set(kinds), ...bounds, usual].filter(Boolean).join(" ");
}
