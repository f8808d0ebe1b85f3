/** TTAPI in words: for the generated tables, and in no bundle. */
import type { About } from "../../family.ts";

export const about: About = {
  sources: [
    "docs.ttapi.io/api/en/midjourney: imagine, action, fetch, inpaint",
    "docs.ttapi.io/grids/en/development/response",
    "docs.mjapiapp.com/reference: midjourney-api, account, status-code; its FAQ",
    "docs-zh.mjapiapp.com/api/midjourney-api: blend, describe, seed, list of actions",
  ],
  wire: {
    paths: "/midjourney/v1",
    key: "`TT-API-KEY`",
    mode: "in the field `mode`; a press has the mode of its parent",
    presses: "the parent's `jobId` and a word of its `components`",
  },
  unproven: {},
};
