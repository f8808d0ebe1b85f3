/** The documents of the package `mjflow`. Messages of the local server name them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./manifest.ts";

/** Documents below docs/. */
export const DOCUMENTS = ["local-server.md", "self-hosting.md", "vendors.md", "operations.md"];

const LINK = /\[([^\]]*)\]\(([^()\s]+)\)/g;

/** Replaces each link to a file that the package lacks by its text. */
export function withoutDeadLinks(text: string): string {
  return text.replace(LINK, (link, label: string, target: string) => {
    const isKept = /^(https?:|#)/.test(target) || DOCUMENTS.includes(target.split("#")[0]!);
    return isKept ? link : label;
  });
}

export function writeDocuments(folder: string): void {
  mkdirSync(join(folder, "docs"), { recursive: true });
  for (const name of DOCUMENTS) {
    const text = readFileSync(join(ROOT, "docs", name), "utf8");
    writeFileSync(join(folder, "docs", name), withoutDeadLinks(text));
  }
}
