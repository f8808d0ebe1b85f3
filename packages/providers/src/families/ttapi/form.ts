/** TTAPI: what it can do. See README.md. */
import type { Form } from "../../family.ts";

export const ttapi: Form = {
  id: "ttapi",
  title: "TTAPI",
  sources: [
    "docs.ttapi.io/api/en/midjourney: imagine, action, fetch, inpaint",
    "docs.ttapi.io/grids/en/development/response",
    "docs.mjapiapp.com/reference: midjourney-api, account, status-code; its FAQ",
    "docs-zh.mjapiapp.com/api/midjourney-api: blend, describe, seed, list of actions",
  ],
  capabilities: {
    notifyHook: "documented",
    listByCondition: false,
    searchByState: true,
    instantActions: [],
    rootActions: ["imagine", "blend", "describe"],
    modes: ["fast", "relax", "turbo"],
    // `/seed` starts a task of its own, and the result of a grid has the seed only sometimes.
    seed: false,
    imageLinks: true,
    swapLinks: false,
    dataOnly: ["blend"],
    linksOnly: ["imagine"],
    optionalFields: [],
    promptActions: [],
    modals: true,
    modalPresses: ["vary:region"],
    endOnly: true,
    separateImages: true,
    unsupportedPresses: ["favourite", "zoom:custom", "describe", "shorten", "video", "animate", "extend"],
  },
  unproven: {},
  wire: {
    paths: "/midjourney/v1",
    key: "`TT-API-KEY`",
    mode: "in the field `mode`; a press has the mode of its parent",
    presses: "the parent's `jobId` and a word of its `components`",
  },
  load: () => import("./calls.ts"),
};
