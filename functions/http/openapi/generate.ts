/** `npm run openapi`: writes docs/openapi.json. A test fails if the file is outdated. */
import { readFileSync, writeFileSync } from "node:fs";
import { openApi } from "./document.ts";

const root = new URL("../../../", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { version: string };
writeFileSync(new URL("docs/openapi.json", root), `${JSON.stringify(openApi(version), null, 1)}\n`);
