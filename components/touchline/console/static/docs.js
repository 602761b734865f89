// The reference: drawn from /openapi.json and /asyncapi.json, which the gateway makes from what it runs. Nothing comes from elsewhere.

const reference = document.getElementById("reference");
const contents = document.getElementById("contents");

/** An element with attributes and children; text is only ever text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

/** Follow `$ref` within its document. */
function resolve(node, root) {
  let found = node ?? {};
  while (found.$ref) found = found.$ref.slice(2).split("/").reduce((at, part) => at[part.replaceAll("~1", "/")], root);
  return found;
}

function typeOf(schema, root) {
  const plain = resolve(schema, root);
  const choices = plain.anyOf ?? plain.oneOf;
  if (choices) return [...new Set(choices.map((choice) => typeOf(choice, root)))].join(" or ");
  if ("const" in plain) return JSON.stringify(plain.const);
  if (plain.type === "array") return `list of ${typeOf(plain.items ?? {}, root)}`;
  return [].concat(plain.type ?? "anything").join(" or ");
}

/** Bounds and choices in words. */
function boundsOf(schema, root) {
  const plain = resolve(schema, root);
  const words = (plain.anyOf ?? plain.oneOf ?? []).map((choice) => boundsOf(choice, root)).filter(Boolean);
  if (plain.enum) words.push(`one of ${plain.enum.map((value) => (value === "" ? "(empty)" : value)).join(", ")}`);
  if (plain.minimum !== undefined || plain.maximum !== undefined) words.push(`${plain.minimum ?? "…"} to ${plain.maximum ?? "…"}`);
  if (plain.minLength || plain.maxLength) words.push(`${plain.minLength ?? 0} to ${plain.maxLength ?? "any number of"} characters`);
  if (plain.minItems || plain.maxItems) words.push(`${plain.minItems ?? 0} to ${plain.maxItems ?? "any number of"} entries`);
  if (plain.pattern) words.push(`like ${plain.pattern}`);
  if (plain.default !== undefined && plain.default !== "" && plain.default !== null) words.push(`default ${JSON.stringify(plain.default)}`);
  return words.join("; ");
}

/** Fields of an object, each with what is known of it, those inside it below. */
function fieldsOf(schema, root, depth = 0) {
  let plain = resolve(schema, root);
  if (plain.type === "array") plain = resolve(plain.items, root);
  if (!plain.properties || depth > 4) return null;
  const list = make("dl", { class: "fieldset" });
  for (const [name, field] of Object.entries(plain.properties)) {
    const own = resolve(field, root);
    const must = (plain.required ?? []).includes(name) ? ", required" : "";
    list.append(make("dt", {}, make("code", {}, name), " ", make("small", {}, typeOf(field, root) + must)));
    const bounds = boundsOf(field, root);
    const words = [field.description ?? own.description, bounds && `(${bounds})`].filter(Boolean).join(" ");
    list.append(make("dd", {}, words, fieldsOf(field, root, depth + 1)));
  }
  return list;
}

/** A value to start from: what the fields themselves give as examples, required fields only. */
function exampleOf(schema, root) {
  const plain = resolve(schema, root);
  if (plain.examples) return plain.examples[0];
  if (plain.type === "array") return [exampleOf(plain.items, root)];
  if (!plain.properties) return plain.default ?? "";
  return Object.fromEntries((plain.required ?? []).map((name) => [name, exampleOf(plain.properties[name], root)]));
}

function jsonSchema(holder) {
  return Object.values(holder?.content ?? {}).map((content) => content.schema)[0];
}

async function send(verb, path, form, operation, output) {
  const values = new FormData(form);
  const query = new URLSearchParams();
  const headers = {};
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  let address = path;
  for (const { name, in: place } of operation.parameters ?? []) {
    const value = String(values.get(name) ?? "").trim();
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && place === "query") query.set(name, value);
    else if (value && place === "header") headers[name] = value;
  }
  const body = values.get("body");
  if (body) headers["Content-Type"] = "application/json";
  const url = String(query) ? `${address}?${query}` : address;
  output.textContent = `${verb.toUpperCase()} ${url} …`;
  try {
    const answer = await fetch(url, { method: verb.toUpperCase(), headers, body: body || undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it came */ }
    output.textContent = `${verb.toUpperCase()} ${url}\n${answer.status} ${answer.statusText}\n\n${shown}`;
  } catch (error) {
    output.textContent = `${verb.toUpperCase()} ${url}\nno answer: ${error.message}`;
  }
}

function tryForm(verb, path, operation, root) {
  const streams = Object.values(operation.responses).some((answer) => answer.content?.["text/event-stream"]);
  if (streams) return make("p", {}, "It never ends, so it is not tried here: ", make("code", {}, `curl -N '${location.origin}${path}?topics=*'`));
  const form = make("form", { class: "try" });
  for (const parameter of operation.parameters ?? []) {
    const required = parameter.required ? { required: "" } : {};
    form.append(make("label", {}, parameter.name, make("input", { name: parameter.name, autocomplete: "off", ...required })));
  }
  if (operation.requestBody) {
    const area = make("textarea", { name: "body", rows: "8", spellcheck: "false" });
    area.value = JSON.stringify(exampleOf(jsonSchema(operation.requestBody), root), null, 2);
    form.append(make("label", {}, "Body (JSON)", area));
  }
  const output = make("pre", { role: "status", tabindex: "0", "aria-label": "Answer" });
  output.hidden = true;
  form.append(make("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    send(verb, path, form, operation, output);
  });
  return make("details", {}, make("summary", {}, "Try it"), form, output);
}

function drawCall(verb, path, operation, root) {
  const answers = make("dl", { class: "fieldset" });
  for (const [status, answer] of Object.entries(operation.responses)) {
    answers.append(make("dt", {}, make("code", {}, status), " ", make("small", {}, Object.keys(answer.content ?? {}).join(", "))));
    const fields = fieldsOf(jsonSchema(answer), root);
    answers.append(make("dd", {}, answer.description ?? "", fields && make("details", {}, make("summary", {}, "Fields"), fields)));
  }
  const asked = { properties: {}, required: [] };
  for (const parameter of operation.parameters ?? []) {
    asked.properties[parameter.name] = { ...parameter.schema, description: parameter.description };
    if (parameter.required) asked.required.push(parameter.name);
  }
  const body = operation.requestBody && fieldsOf(jsonSchema(operation.requestBody), root);
  return make("article", { id: operation.operationId },
    make("h3", {}, make("span", { class: "verb" }, verb.toUpperCase()), make("code", {}, path)),
    make("p", {}, operation.description ?? operation.summary ?? ""),
    operation.parameters ? make("h4", {}, "Parameters") : "", operation.parameters ? fieldsOf(asked, root) : "",
    body ? make("h4", {}, "Body") : "", body ?? "",
    make("h4", {}, "Answers"), answers,
    tryForm(verb, path, operation, root));
}

function drawMessage(name, way, message, root) {
  const payload = resolve(message.payload, root);
  return make("article", { id: `message-${name}` },
    make("h3", {}, make("span", { class: "verb" }, way), make("code", {}, message.name)),
    make("p", {}, message.title ?? ""), fieldsOf(payload, root) ?? "");
}

/** A section with its part of the contents. */
function addSection(title, entries) {
  reference.append(make("section", { "aria-label": title }, make("h2", {}, title), ...entries.map(([, article]) => article)));
  const links = entries.map(([label, article]) => make("li", {}, make("a", { href: `#${article.id}` }, label)));
  contents.append(make("h2", {}, title), make("ul", {}, ...links));
}

async function draw() {
  const [calls, stream] = await Promise.all(["/openapi.json", "/asyncapi.json"].map(async (url) => (await fetch(url)).json()));
  document.getElementById("title").textContent = `${calls.info.title} ${calls.info.version}`;
  document.getElementById("about").textContent = calls.info.description;
  const groups = new Map();
  for (const [path, operations] of Object.entries(calls.paths)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const group = operation.tags?.[0] ?? "other";
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push([`${verb.toUpperCase()} ${path}`, drawCall(verb, path, operation, calls)]);
    }
  }
  for (const [group, entries] of groups) addSection(`HTTP: ${group}`, entries);
  for (const [action, way, title] of [["receive", "send", "you send"], ["send", "hear", "you hear"]]) {
    const operation = Object.values(stream.operations).find((one) => one.action === action);
    const entries = operation.messages.map(({ $ref }) => {
      const name = $ref.split("/").pop();
      const message = resolve({ $ref }, stream);
      return [message.name, drawMessage(name, way, message, stream)];
    });
    addSection(`WebSocket ${stream.channels.stream.address}: ${title}`, entries);
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

draw().catch((error) => {
  document.getElementById("about").textContent = `The descriptions could not be read: ${error.message}`;
});
