/**
 * Renders the API reference as text in the format of llmstxt.org, for language models and readers without a browser.
 */
import { ERRORS, FAILURES } from "@mjflow/core/error";
import { curlOf } from "./curl.ts";
import type { ApiDocument, BodyDescription, Field, Operation, SchemaDescription, Tag, Type } from "./document-model.ts";

const KEYS: Record<Operation["key"], string> = {
  app: "",
  operator: " (operator key)",
  mj: "",
  signIn: " (sign-in link)",
  share: " (share link)",
  none: " (no key)",
};

export function textOf({ title: name, summary, intro, tags, schemas }: ApiDocument): string {
  const parts = [
    `# ${name}`,
    `> ${summary}`,
    intro,
    "In the curl commands, MJFLOW_URL is the base URL of this API. The OpenAPI 3.1 document is [openapi.json](openapi.json). The HTML reference is [docs/api](docs/api).",
    ...tags.map(tagText),
    `## Errors\n\nErrors are problem+json with one of these codes. \`retry\` says whether the same request can succeed later.\n\n${Object.entries(
      ERRORS,
    )
      .map(([code, { status, title, advice, retry }]) => {
        const when = retry === "never" ? "never" : "later";
        return `- ${code} (${status}, retry ${when}): ${title}. ${advice}`;
      })
      .join("\n")}`,
    `## Failure codes\n\nThe reason why a task failed, in \`failure.code\` of the task.\n\n${Object.entries(FAILURES)
      .map(([code, text]) => `- ${code}: ${text}`)
      .join("\n")}`,
    "## Schemas",
    ...schemas.map(schemaText),
  ];
  return `${parts.join("\n\n")}\n`;
}

function tagText({ name, about, operations }: Tag): string {
  return [`## ${name}`, about, ...operations.map(operationText)].join("\n\n");
}

function operationText(operation: Operation): string {
  const { method, path, summary, about, key, parameters, body, responses, problems } = operation;
  const isEvent = !path.startsWith("/");
  const codes = problems.flatMap((problem) => problem.codes);
  const bodyLines = body && bodyText(body);
  return [
    `### ${isEvent ? path : `${method} ${path}`}${isEvent ? "" : KEYS[key]}`,
    `${summary}.${about && ` ${about}`}`,
    parameters.length > 0 && !isEvent && `Parameters:\n${fieldLines(parameters)}`,
    bodyLines,
    !isEvent && `\`\`\`sh\n${curlOf(operation)}\n\`\`\``,
    !isEvent &&
      `Responses:\n${responses.map((response) => `- ${response.status}: ${response.about}${typeNote(response)}`).join("\n")}`,
    codes.length > 0 && `Errors: ${codes.join(", ")}`,
  ]
    .filter((part) => part)
    .join("\n\n");
}

function bodyText({ type, fields }: BodyDescription): string {
  const ref = type?.find((part) => part.ref !== undefined);
  return ref ? `Body: ${ref.text}` : `Body:\n${fieldLines(fields)}`;
}

function typeNote({ type, contentType }: BodyDescription): string {
  if (type) return ` → ${typeText(type)}`;
  return contentType === undefined ? "" : ` → ${contentType}`;
}

function schemaText({ name, about, base, type, fields }: SchemaDescription): string {
  const shown = fields.length > 0 ? fieldLines(fields) : typeText(type);
  return [`### ${name}`, about, base === undefined ? "" : `All fields of ${base}, and:`, shown]
    .filter((part) => part !== "")
    .join("\n\n");
}

function fieldLines(fields: readonly Field[]): string {
  return fields
    .map(({ name, type, required, about, limits }) => {
      const notes = [typeText(type), required ? "required" : "", limits].filter((note) => note !== "").join("; ");
      return `- ${name} (${notes})${about && `: ${about}`}`;
    })
    .join("\n");
}

function typeText(type: Type): string {
  return type.map(({ text }) => text).join("");
}
