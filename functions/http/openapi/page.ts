/** Renders the API reference as one HTML page, without scripts and without files from other servers. */
import { ERRORS, FAILURES } from "@mjflow/core/error";
import { curlOf } from "./curl.ts";
import type { ApiDocument, BodyDescription, Field, Operation, Tag, Type } from "./document-model.ts";
import { Html, html, inline, prose } from "./html.ts";

const KEYS: Record<Operation["key"], string> = {
  app: "",
  operator: "operator key",
  mj: "mj-api-secret",
  signIn: "sign-in link",
  share: "share link",
  none: "no key",
};

/** @param style the style sheet; the Content-Security-Policy of the page allows only this one */
export function pageOf(document: ApiDocument, style: string): string {
  const { title, version, summary, intro, tags, schemas } = document;
  const inlined = inlinedSchemasOf(tags);
  const others = schemas.filter((schema) => !inlined.has(schema.name));
  const parts = [...tags.map((tag) => tagSection(tag, inlined)), errorSection(), schemaSection(others)];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${summary}">
<title>${title} API</title>
<style>${verbatim(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<div class="layout">
<nav aria-label="Contents">
<a class="name" href="#main">${title}</a>
<ul>
${tags.map(tagContents)}
<li><a href="#errors">Errors</a></li>
<li><a href="#schemas">Schemas</a></li>
</ul>
</nav>
<main id="main">
<h1>${title} API</h1>
<p class="lead">${summary}</p>
${prose(intro)}
<p>Version ${version}. Other formats: <a href="/openapi.json">OpenAPI 3.1</a>, <a href="/llms.txt">text for language models</a>.</p>
<p>In the curl commands, <code>MJFLOW_URL</code> is the URL of this page without <code>/docs/api</code>.</p>
${parts}
</main>
</div>
</body>
</html>
`.text;
}

function verbatim(style: string): Html {
  // Only a closing tag can end a style element.
  if (style.includes("</")) throw new Error("The style sheet contains a closing tag.");
  return new Html(style);
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}

function tagContents({ name, operations }: Tag): Html {
  const items = operations.map(({ id, summary }) => html`<li><a href="#${id}">${summary}</a></li>`);
  return html`<li><a href="#${slug(name)}">${name}</a><ul>${items}</ul></li>\n`;
}

function tagSection({ name, about, operations }: Tag, inlined: InlinedSchemas): Html {
  const events = operations.filter(isEvent);
  const index = operations.map(
    (operation) => html`<li><a href="#${operation.id}">${routeOf(operation)}</a><span>${operation.summary}</span></li>`,
  );
  return html`<section aria-labelledby="${slug(name)}">
<h2 id="${slug(name)}">${name}</h2>
<div class="about">${prose(about)}${events[0] && eventCommons(events[0])}<ul class="index">${index}</ul></div>
${operations.map((operation) => (isEvent(operation) ? eventArticle(operation) : operationArticle(operation, inlined)))}
</section>
`;
}

function isEvent({ path }: Operation): boolean {
  return !path.startsWith("/");
}

function routeOf(operation: Operation): Html {
  const { method, path } = operation;
  if (isEvent(operation)) return html`<code class="event">${path}</code>`;
  return html`<code><span class="method ${method.toLowerCase()}">${method}</span> ${path}</code>`;
}

function operationArticle(operation: Operation, inlined: InlinedSchemas): Html {
  const { id, summary, about, key, parameters, body } = operation;
  const badge = KEYS[key] && html`<span class="key">${KEYS[key]}</span>`;
  const hasBody = body && (body.fields.length > 0 || body.type);
  return html`<article id="${id}">
<h3>${summary}</h3>
<p class="route">${routeOf(operation)}${badge}</p>
${prose(about)}
${parameters.length > 0 && [html`<h4>Parameters</h4>`, fieldTable(parameters)]}
${hasBody && bodyOf(body, inlined)}
<pre><code>${curlOf(operation)}</code></pre>
${responsesOf(operation)}
</article>
`;
}

/** The body. Its schema is shown here if only this operation uses it, otherwise in the section of schemas. */
function bodyOf(body: BodyDescription, inlined: InlinedSchemas): Html[] {
  const [name] = body.type ?? [];
  if (name?.ref === undefined) return [html`<h4>Body</h4>`, fieldTable(body.fields)];
  if (!inlined.has(name.ref)) return [html`<h4>Body: ${typeOf(body.type!)}</h4>`];
  return [html`<h4 id="schema-${name.ref}">Body: ${name.text}</h4>`, fieldTable(body.fields)];
}

/** Names of the schemas that are the body of exactly one operation. They are shown in that operation. */
type InlinedSchemas = ReadonlySet<string>;

function inlinedSchemasOf(tags: readonly Tag[]): InlinedSchemas {
  const all = tags.flatMap(({ operations }) => operations.filter((operation) => !isEvent(operation)));
  const refs = all.flatMap(({ body }) => body?.type?.[0]?.ref ?? []);
  return new Set(refs.filter((ref) => refs.indexOf(ref) === refs.lastIndexOf(ref)));
}

/** One event. The headers and responses that all events share are shown once before them, by `eventCommons`. */
function eventArticle(operation: Operation): Html {
  const { id, summary, about, body } = operation;
  return html`<article id="${id}">
<h3>${summary}</h3>
<p class="route">${routeOf(operation)}</p>
${prose(about)}
${body?.type && html`<p>Body: <span class="type">${typeOf(body.type)}</span></p>`}
</article>
`;
}

function eventCommons({ parameters, responses }: Operation): Html {
  const rows = responses.map(({ status, about }) => html`<tr><td><b>${status}</b></td><td>${inline(about)}</td></tr>`);
  return html`<h4>Headers</h4>${fieldTable(parameters)}
<h4>Your response</h4>
<table class="responses"><thead><tr><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead><tbody>${rows}</tbody></table>
<h4>Events</h4>`;
}

function responsesOf({ responses, problems }: Operation): Html {
  const good = responses.map(
    ({ status, about, type, contentType, headers, example }) => html`<tr><td><b>${status}</b></td><td>${inline(about)}
${type && html` <span class="type">${typeOf(type)}</span>`}
${!type && contentType && html` <span class="type">${contentType}</span>`}
${headers.length > 0 && html`<br><span class="limits">Headers: ${list(headers)}</span>`}
${typeof example === "string" && html`<pre><code>${example.trimEnd()}</code></pre>`}</td></tr>`,
  );
  const bad = problems.map(
    ({ status, codes }) =>
      html`<li>${status} ${codes.map((code, i) => html`${i > 0 && ", "}<a href="#error-${code}">${code}</a>`)}</li>`,
  );
  return html`<h4>Responses</h4>
<table class="responses"><thead><tr><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead><tbody>${good}</tbody></table>
${bad.length > 0 && html`<h4>Errors</h4><ul class="errors">${bad}</ul>`}`;
}

function list(names: readonly string[]): Html[] {
  return names.map((name, i) => html`${i > 0 && ", "}<code>${name}</code>`);
}

/** @param mark whether to mark the required fields or the optional fields */
function fieldTable(fields: readonly (Field & { in?: string })[], mark: "required" | "optional" = "required"): Html {
  const isMarked = ({ required }: Field) => required === (mark === "required");
  const rows = fields.map(
    (
      field,
    ) => html`<tr><td><code>${field.name}</code>${isMarked(field) && html`<span class="${mark}">${mark}</span>`}</td>
<td class="type">${typeOf(field.type)}${field.in !== undefined && field.in !== "path" && html` <span class="in">${field.in}</span>`}</td>
<td>${inline(field.about)}${field.limits && html` <span class="limits">(${field.limits})</span>`}</td></tr>`,
  );
  return html`<table class="fields"><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function typeOf(type: Type): Html[] {
  return type.map(({ text, ref }) => (ref === undefined ? html`${text}` : html`<a href="#schema-${ref}">${text}</a>`));
}

function errorSection(): Html {
  const errors = Object.entries(ERRORS).map(
    ([
      code,
      { status, title, advice, retry },
    ]) => html`<tr id="error-${code}"><td><code>${code}</code></td><td>${status}</td>
<td>${title}. ${inline(advice)}</td><td data-label="retry">${retry === "never" ? "never" : "later"}</td></tr>`,
  );
  const failures = Object.entries(FAILURES).map(
    ([code, text]) => html`<tr><td><code>${code}</code></td><td>${text}</td></tr>`,
  );
  return html`<section aria-labelledby="errors">
<h2 id="errors">Errors</h2>
<p>The error codes of responses with a <a href="#schema-Problem">Problem</a>. Codes are stable. <code>retry</code> says whether the same request can succeed later.</p>
<table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th><th scope="col">Retry</th></tr></thead><tbody>${errors}</tbody></table>
<h3 id="failures">Failure codes</h3>
<p>The reason why a task failed, in the task’s <code>failure.code</code>. The request that created the task was valid.</p>
<table><thead><tr><th scope="col">Code</th><th scope="col">Meaning</th></tr></thead><tbody>${failures}</tbody></table>
</section>
`;
}

function schemaSection(schemas: ApiDocument["schemas"]): Html {
  const articles = schemas.map(
    ({ name, about, base, type, fields }) => html`<article id="schema-${name}">
<h3>${name}</h3>
${prose(about)}
${base && html`<p>All fields of <a href="#schema-${base}">${base}</a>, and:</p>`}
${fields.length > 0 ? fieldTable(fields, rarerMark(fields)) : html`<p class="type">${typeOf(type)}</p>`}
</article>
`,
  );
  return html`<section aria-labelledby="schemas">
<h2 id="schemas">Schemas</h2>
${articles}
</section>
`;
}

/** Returns the rarer of the two marks, so that few fields have one. */
function rarerMark(fields: readonly Field[]): "required" | "optional" {
  return fields.filter(({ required }) => required).length > fields.length / 2 ? "optional" : "required";
}
