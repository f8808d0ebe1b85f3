/** `/v1/banned-words`, described. */
import { BannedRequest } from "@mjflow/core/request";
import { BannedWords } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, type RouteGroup } from "./route-description.ts";

export const bannedWords = {
  tag: "Banned words",
  description:
    "What a stage sends to no vendor. A prompt that holds one is refused with `banned_prompt` before anything is written or paid. Case, width and what is unseen do not matter; a word is found where it stands alone, in scripts without spaces wherever it stands.",
  routes: {
    "GET /v1/banned-words": {
      id: "getBannedWords",
      summary: "Read the list",
      key: "operator",
      answers: { 200: { about: "The list.", schema: BannedWords } },
      errors: AUTH_ERRORS,
    },
    "PUT /v1/banned-words": {
      id: "setBannedWords",
      summary: "Replace the list",
      description: "Heard of everywhere within a minute.",
      key: "operator",
      body: BannedRequest,
      example: { words: ["blue movie", "裸体"] },
      answers: { 200: { about: "The list.", schema: BannedWords } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
  },
} as const satisfies RouteGroup;
