/** `/v1/banned-words`, described. */
import { BannedRequest } from "@mjflow/core/request";
import { BannedWords } from "@mjflow/core/response";
import { BODIED, type Group, KEYED } from "./description.ts";

export const bannedWords = {
  tag: "Banned words",
  about:
    "What a stage sends to no vendor. A prompt that holds one is refused with `banned_prompt` before anything is written or paid. Case, width and what is unseen do not matter; a word is found where it stands alone, in scripts without spaces wherever it stands.",
  routes: {
    "GET /v1/banned-words": {
      id: "getBannedWords",
      summary: "Read the list",
      key: "operator",
      answers: { 200: { about: "The list.", schema: BannedWords } },
      errors: KEYED,
    },
    "PUT /v1/banned-words": {
      id: "setBannedWords",
      summary: "Replace the list",
      about: "Heard of everywhere within a minute.",
      key: "operator",
      body: BannedRequest,
      example: { words: ["blue movie", "裸体"] },
      answers: { 200: { about: "The list.", schema: BannedWords } },
      errors: [...KEYED, ...BODIED],
    },
  },
} as const satisfies Group;
