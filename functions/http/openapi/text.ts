/** The description as text, in the form of llmstxt.org: for whoever writes code against the API without a browser. */
import { ERRORS, FAILURES } from "@mjflow/core/error";
import { curlOf } from "./curl.ts";
import type { ApiDocument, BodyDescription, Field, Operation, SchemaDescription, Tag, Type } from "./document-model.ts";

const KEYS: Record<Operation["key"], string> = {
  app: "",
  operator: " (operator's key)",
  mj: "",
  none: " (no key)",
};

export function textOf({ title, summary, intro, tags, schemas }: ApiDocument): string {
  const parts = [
    `# ${title}`,
    `> ${summary}`,
    intro,
    "In the lines to paste, MJFLOW_URL is where this API is reached. The whole description as OpenAPI 3.1: [openapi.json](openapi.json). As a page: [docs](docs).",
    ...tags.map(tagText),
    `## Errors\n\nproblem+json with these codes; \`retry\` says whether the same request can succeed later.\n\n${Object.entries(
      ERRORS,
    )
      .map(([code, { status, title: meaning, advice, retry }]) => {
        const again = retry === "never" ? "never" : "later";
        return `- ${code} (${status}, retry ${again}): ${meaning}. ${advice}`;
      })
      .join("\n")}`,
    `## Why a task failed\n\nIn a task's \`failure.code\`.\n\n${Object.entries(FAILURES)
      .map(([code, meaning]) => `- ${code}: ${meaning}`)
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
  const { method, path, summary, about, key, parameters, body, answers, problems } = operation;
  const isEvent = !path.startsWith("/");
  const codes = problems.flatMap((problem) => problem.codes);
  const given = body && bodyText(body);
  return [
    `### ${isEvent ? path : `${method} ${path}`}${isEvent ? "" : KEYS[key]}`,
    `${summary}.${about && ` ${about}`}`,
    parameters.length > 0 && !isEvent && `Parameters:\n${fieldLines(parameters)}`,
    given,
    !isEvent && `\`\`\`sh\n${curlOf(operation)}\n\`\`\``,
    !isEvent &&
      `Answers:\n${answers.map((answer) => `- ${answer.status}: ${answer.about}${typeNote(answer)}`).join("\n")}`,
    codes.length > 0 && `Errors: ${codes.join(", ")}`,
  ]
    .filter((part) => part)
    .join("\n\n");
}

function bodyText({ type, fields }: BodyDescription): string {
  const ref = type?.find((word) => word.ref !== undefined);
  return ref ? `Body: ${ref.text}` : `Body:\n${fieldLines(fields)}`;
}

function typeNote({ type, contentType }: BodyDescription): string {
  if (type) return ` → ${typeText(type)}`;
  return contentType === undefined ? "" : ` → ${contentType}`;
}

function schemaText({ name, about, base, type, fields }: SchemaDescription): string {
  const shown = fields.length > 0 ? fieldLines(fields) : typeText(type);
  return [`### ${name}`, about, base === undefined ? "" : `All of ${base}, and:`, shown]
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
