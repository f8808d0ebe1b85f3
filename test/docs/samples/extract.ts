/** The code samples of the documentation: every code block of every page. */
import { readFileSync } from "node:fs";
import { sitePages } from "../../../packages/docs/src/pages.ts";

export interface Sample {
  /** Path of the page in the repository, or in the site for a generated page. */
  page: string;
  /** Number of the block in its page, from 1. */
  number: number;
  language: string;
  code: string;
  /** The comment before the block, without its marks: `not run: …` or `sample: …`. */
  note: string | undefined;
}

const BLOCK = /(?:<!-- ((?:not run|sample): [^\n]*?) -->\n)?^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm;

export function samplesIn(page: string, text: string): Sample[] {
  return [...text.matchAll(BLOCK)].map(([, note, language, code], i) => ({
    page,
    number: i + 1,
    language: language!,
    code: code!,
    note,
  }));
}

/** Pages of the site that are documents, with the text of the repository. Generated pages are not in this list. */
export function documentSamples(): Sample[] {
  const { sources } = sitePages();
  return [...sources].flatMap((source) =>
    samplesIn(source, readFileSync(new URL(`../../../${source}`, import.meta.url), "utf8")),
  );
}
