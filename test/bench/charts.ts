/** `npm run bench:charts` writes docs/performance.md and its charts from test/bench/results. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { rendered } from "./document.ts";

for (const [file, text] of rendered()) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
