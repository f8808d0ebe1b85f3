/** `npm run openapi`: writes docs/openapi.json. A test fails if the file is outdated. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Examples, openApi } from "./document.ts";

const root = new URL("../../../", import.meta.url);

const read = (path: string) => JSON.parse(readFileSync(new URL(path, root), "utf8"));

/** Returns the text of docs/openapi.json. */
export function generate(): string {
  const { version } = read("package.json") as { version: string };
  const [responses, errors, events] = ["responses", "errors", "events"].map((name) =>
    read(`packages/docs/examples/${name}.json`),
  );
  return `${JSON.stringify(openApi(version, { responses, errors, events } as Examples), null, 1)}\n`;
}

if (import.meta.main) writeFileSync(new URL("docs/openapi.json", root), generate());
