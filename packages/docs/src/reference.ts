/** The API reference: a page for each group of routes, from the OpenAPI document, with responses of the tests. */
import { readFileSync } from "node:fs";
import document from "../../../docs/openapi.json" with { type: "json" };
import {
  type ApiDocument,
  type Field,
  type Operation,
  readApiDocument,
  type SchemaDescription,
  type Tag,
} from "../../../functions/http/openapi/document-model.ts";
import { anchorOf, cell, code, json, prose, table, typeText } from "./markdown.ts";
import { codeGroup } from "./snippets.ts";

const RESPONSES = JSON.parse(readFileSync(new URL("../examples/responses.json", import.meta.url), "utf8")) as Record<
  string,
  { status: number; body: unknown }
>;

/** A webhook of each type. */
const EVENTS = JSON.parse(readFileSync(new URL("../examples/events.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

const KEYS: Record<Operation["key"], string> = {
  app: "",
  operator: "operator key",
  mj: "`mj-api-secret`, or `Authorization`",
  signIn: "sign-in link",
  share: "share link",
  none: "no key",
};

export const API: ApiDocument = readApiDocument(document as never);
export const OPERATIONS: readonly Operation[] = API.tags.flatMap(({ operations }) =>
  operations.filter(({ path }) => path.startsWith("/")),
);

export function pathOfTag({ name }: Tag): string {
  return `reference/${anchorOf(name)}`;
}

function fieldRows(fields: readonly (Field & { in?: string })[]): string {
  const rows = fields.map((field) => [
    `${code(field.name)}${field.required ? " **required**" : ""}`,
    `${typeText(field.type)}${field.in === undefined || field.in === "path" ? "" : ` (${field.in})`}`,
    `${cell(field.about)}${field.limits ? ` (${cell(field.limits)})` : ""}`,
  ]);
  return table(["name", "type", "meaning"], rows);
}

function operationText(operation: Operation): string {
  const { id, method, path, summary, about, key, parameters, body, responses, problems } = operation;
  const example = RESPONSES[id];
  const bodyName = body?.type?.find(({ ref }) => ref !== undefined)?.ref;
  return [
    `## ${summary} {:#${id}:}`,
    `<p class="route"><span class="method ${method.toLowerCase()}">${method}</span> <code v-pre>${path}</code>${KEYS[key] && ` <span class="key">${KEYS[key].replace(/`([^`]+)`/g, "$1")}</span>`}</p>`,
    prose(about),
    codeGroup(operation),
    parameters.length > 0 && ["**Parameters**", fieldRows(parameters)],
    body &&
      (body.fields.length > 0
        ? [
            `**Body**${bodyName === undefined ? "" : `: [${bodyName}](/reference/schemas#${bodyName.toLowerCase()})`}`,
            fieldRows(body.fields),
          ]
        : []),
    "**Responses**",
    responses
      .map(({ status, about: text, type, contentType, headers, example: sample }) => {
        const kind = type ? `: ${typeText(type)}` : contentType === undefined ? "" : ` (${contentType})`;
        const sent = headers.length > 0 ? ` Headers: ${headers.map(code).join(", ")}.` : "";
        const stream = typeof sample === "string" ? `\n\n\`\`\`text\n${sample.trimEnd()}\n\`\`\`\n` : "";
        return `- **${status}**${kind}. ${prose(text)}${sent}${stream}`;
      })
      .join("\n"),
    example && [`::: details Example of a ${example.status}`, json(example.body), ":::"],
    problems.length > 0 &&
      `**Errors**: ${problems
        .flatMap(({ codes }) => codes)
        .map((each) => `[${each}](/errors/${each})`)
        .join(", ")}`,
  ]
    .flat()
    .filter((part) => part)
    .join("\n\n");
}

function eventText({ id, path, summary, about, body }: Operation): string {
  const example = EVENTS[path];
  return [
    `## ${summary} {:#${id}:}`,
    code(path),
    prose(about),
    body?.type && `Body: ${typeText(body.type)}`,
    example !== undefined && `::: details Example\n\n${json(example)}\n\n:::`,
  ]
    .filter((part) => part)
    .join("\n\n");
}

function tagPage(tag: Tag): string {
  const { name, about, operations } = tag;
  const isEvent = ({ path }: Operation) => !path.startsWith("/");
  const index = operations
    .filter((operation) => !isEvent(operation))
    .map(({ id, method, path, summary }) => [`[${cell(summary)}](#${id})`, code(`${method} ${path}`)]);
  return [
    `# ${name}`,
    prose(about),
    index.length > 0 && table(["request", "route"], index),
    ...operations.map((operation) => (isEvent(operation) ? eventText(operation) : operationText(operation))),
  ]
    .filter((part) => part)
    .join("\n\n");
}

function schemaText({ name, about, base, type, fields }: SchemaDescription): string {
  return [
    `## ${name} {:#${name.toLowerCase()}:}`,
    prose(about),
    base && `All fields of [${base}](#${base.toLowerCase()}), and:`,
    fields.length > 0 ? fieldRows(fields) : typeText(type),
  ]
    .filter((part) => part)
    .join("\n\n");
}

function indexPage(): string {
  return [
    "# API reference",
    prose(API.summary),
    prose(API.intro),
    "## Groups",
    API.tags.map((tag) => `- [${tag.name}](/${pathOfTag(tag)})`).join("\n"),
    "## Other formats",
    "A running server has the reference on one page at `/docs/api`, as OpenAPI 3.1 at `/openapi.json`, and as text for language models at `/llms.txt`.",
    "In the samples `MJFLOW_URL` is the base URL of the API, for example `http://127.0.0.1:4600`, and `MJFLOW_API_KEY` an API key. `ID` is the id in the path.",
  ].join("\n\n");
}

/** Path in the site → Markdown. */
export function referencePages(): Map<string, string> {
  return new Map([
    ["reference/index", indexPage()],
    ...API.tags.map((tag) => [pathOfTag(tag), tagPage(tag)] as const),
    ["reference/schemas", ["# Schemas", ...API.schemas.map(schemaText)].join("\n\n")],
  ]);
}
