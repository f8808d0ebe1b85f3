/** Descriptions of the routes under `/v1/banned-words`. */
import { BannedRequest } from "@mjflow/core/request";
import { BannedWords } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, type RouteGroup } from "./route-description.ts";

export const bannedWords = {
  tag: "Banned words",
  description:
    "Words that the deployment sends to no vendor. A prompt with a banned word is rejected with `banned_prompt` before anything is stored or paid. Case, character width and invisible characters are ignored. Only whole words match; in scripts without spaces a word matches anywhere.",
  routes: {
    "GET /v1/banned-words": {
      id: "getBannedWords",
      summary: "Get the banned words",
      key: "operator",
      responses: { 200: { about: "The list.", schema: BannedWords } },
      errors: AUTH_ERRORS,
    },
    "PUT /v1/banned-words": {
      id: "setBannedWords",
      summary: "Replace the banned words",
      description: "The new list is in use everywhere within a minute.",
      key: "operator",
      body: BannedRequest,
      example: { words: ["blue movie", "裸体"] },
      responses: { 200: { about: "The list.", schema: BannedWords } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
  },
} as const satisfies RouteGroup;
