/** Parts of reports that all families need. */
import type { Media } from "@mjflow/core/report";
import { linkOf, textOf } from "../../json.ts";

/** Leaves out what a body did not tell. */
export function told<T extends object>(fields: { [Name in keyof T]?: T[Name] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** Returns what a vendor's word means. Undefined for an unknown word, also if every object has a property of this name. */
export function meaningOf<T>(meanings: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(meanings, word) ? meanings[word] : undefined;
}

/** Returns the texts of a list, one a line. Other items are left out: a nested list or an object may have no text at all. */
export function linesOf(value: readonly unknown[], max: number): string | undefined {
  return textOf(value.filter((item) => typeof item === "string").join("\n"), max);
}

/** Returns the links of a list, in their order; undefined if it has none. */
export function mediaOf(value: unknown, baseUrl: string | undefined): Media[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const media = value.flatMap((item): Media[] => {
    const url = linkOf(item, baseUrl);
    return url === undefined ? [] : [{ url }];
  });
  return media.length > 0 ? media.slice(0, 16) : undefined;
}

/** Parses 46, "46" and "46%". Undefined for anything else. */
export function progressOf(value: unknown): number | undefined {
  const match = /^(\d{1,3})(?:\.\d+)?\s*%?$/.exec(textOf(value, 32) ?? "");
  return match ? Math.min(100, Number(match[1])) : undefined;
}

/** Link length from which a preview would make a write of the progress cost more than one unit. */
const PREVIEW_URL_LENGTH = 500;

/** Returns a link as the preview of a running task; undefined if it is too long. */
export function previewOf(url: string | undefined): string | undefined {
  return url !== undefined && url.length <= PREVIEW_URL_LENGTH ? url : undefined;
}
