/** AceDataCloud in words: for the generated tables, and in no bundle. */
import type { About } from "../../family.ts";

export const about: About = {
  sources: [
    "github.com/AceDataCloud/Docs openapi/midjourney.json",
    "github.com/AceDataCloud/MidjourneyAPI docs: imagine, edits, tasks, describe, seed",
    "github.com/AceDataCloud/MCPs midjourney (2026-08)",
  ],
  wire: {
    paths: "/midjourney",
    key: "`Authorization: Bearer …`",
    mode: "in the field `mode`, also of presses",
    presses: "the parent's `image_id` and a word of its `actions`",
  },
  unproven: {
    shorten:
      "No document shows the response of a shorten. If it is not read, the submission is unclear, although it was paid.",
  },
};
