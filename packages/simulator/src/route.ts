/** Maps a path to a verb. Pure. The prefix of some vendors contains the mode (docs/protocol.md 1.1). */
import type { Dialect, Verb } from "./dialect.ts";

export type Mode = "RELAX" | "FAST" | "TURBO";

export interface Route {
  verb: Verb;
  /** Task id in the path; null if the path has none. */
  id: string | null;
  mode: Mode | null;
}

const SUBMITS: Readonly<Record<string, Verb>> = {
  "/submit/imagine": "imagine",
  "/submit/action": "action",
  "/submit/blend": "blend",
  "/submit/describe": "describe",
  "/submit/shorten": "shorten",
  "/submit/modal": "modal",
  "/submit/change": "change",
  "/submit/simple-change": "simple-change",
  "/submit/upload-discord-images": "upload",
  "/submit/edits": "edits",
  "/submit/edit": "edits",
  "/submit/retexture": "retexture",
  "/submit/video": "video",
  "/insight-face/swap": "swap-face",
  "/task/list-by-condition": "list-by-condition",
  "/task/list-by-ids": "list-by-ids",
  "/task/query": "query",
};

const READS: readonly [pattern: RegExp, verb: Verb][] = [
  [/^\/task\/([^/]+)\/fetch$/u, "fetch"],
  // xfusionai documents a second path for the same query (docs/protocol.md 1.2).
  [/^\/query\/task\/([^/]+)$/u, "fetch"],
  [/^\/task\/([^/]+)\/image-seed$/u, "image-seed"],
  [/^\/image\/([^/]+)$/u, "image"],
  [/^\/task\/list$/u, "list"],
  [/^\/task\/queue$/u, "queue"],
  // xfusionai shows the list query as GET.
  [/^\/task\/list-by-condition$/u, "list-by-condition"],
];

/** @param path path after the vendor id @returns undefined if the vendor has no such route */
export function routeOf(dialect: Dialect, method: string, path: string): Route | undefined {
  for (const prefix of dialect.prefixes) {
    const pattern = new RegExp(`^${prefix.replace("*", "([^/]+)")}(/.*)$`, "u");
    const match = pattern.exec(path);
    if (!match) continue;
    const found = verbOf(method, match.at(-1) ?? "");
    if (found && dialect.verbs.has(found.verb)) return { ...found, mode: dialect.stripsPrefix ? null : modeIn(path) };
  }
  return undefined;
}

function verbOf(method: string, path: string): { verb: Verb; id: string | null } | undefined {
  if (method === "POST") {
    const cancel = /^\/task\/([^/]+)\/cancel$/u.exec(path);
    if (cancel) return { verb: "cancel", id: decoded(cancel[1]) };
    const verb = Object.hasOwn(SUBMITS, path) ? SUBMITS[path] : undefined;
    return verb && { verb, id: null };
  }
  if (method !== "GET") return undefined;
  for (const [pattern, verb] of READS) {
    const match = pattern.exec(path);
    if (match) return { verb, id: decoded(match[1]) };
  }
  return undefined;
}

/** Returns a segment of a path; as it is if it is not encoded correctly. */
export function decoded(segment: string): string;
export function decoded(segment: string | undefined): string | null;
export function decoded(segment: string | undefined): string | null {
  if (segment === undefined) return null;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function modeIn(path: string): Mode | null {
  const word = /^\/(?:mj-)?(relax|fast|turbo)\//u.exec(path)?.[1];
  return word === "relax" ? "RELAX" : word === "turbo" ? "TURBO" : word === "fast" ? "FAST" : null;
}
