/** What is answered without a key, described. */
import { Health, Index } from "@mjflow/core/response";
import * as z from "zod/mini";
import { ETAG, type Header, IF_NONE_MATCH, type RouteGroup } from "./route-description.ts";

const CACHED: Header = { name: "Cache-Control", about: "It may be kept for minutes.", schema: { type: "string" } };

/** As `media.ts` reads it. */
export const MediaQuery = z.strictObject({ s: z.string() });

/** One of ours, of three formats. */
function page(id: string, summary: string, type: string) {
  return {
    id,
    summary,
    key: "none" as const,
    headers: [IF_NONE_MATCH],
    answers: {
      200: { about: "The document.", type, headers: [CACHED, ETAG] },
      304: { about: "What you have is what there is.", headers: [CACHED, ETAG] },
    },
    errors: [] as const,
  };
}

export const publicRoutes = {
  tag: "Open",
  description: "Without a key.",
  routes: {
    "GET /": {
      id: "index",
      summary: "Say what this is",
      key: "none",
      answers: { 200: { about: "Where to go on.", schema: Index } },
      errors: [],
    },
    "GET /healthz": {
      id: "health",
      summary: "Say that it answers",
      key: "none",
      answers: { 200: { about: "It does.", schema: Health } },
      errors: [],
    },
    "GET /openapi.json": page("openapi", "Read this description", "application/json"),
    "GET /docs": page("docs", "Read it as a page", "text/html"),
    "GET /llms.txt": page("llms", "Read it as text, for language models", "text/plain"),
    "GET /media/:key{.+}": {
      id: "media",
      summary: "Follow the link to a copy",
      description: "A copy's `url` leads here: the link is the proof, and lasts as long as the copy does.",
      key: "none",
      path: { key: "As the link has it." },
      query: MediaQuery,
      answers: {
        302: {
          about: "Where the bytes are, for minutes.",
          headers: [{ name: "Location", about: "Signed.", schema: { type: "string" }, required: true }, CACHED],
        },
      },
      errors: ["not_found", "internal"],
    },
  },
} as const satisfies RouteGroup;
