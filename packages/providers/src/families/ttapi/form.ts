/** TTAPI: what it can do. See README.md. */
import type { Form } from "../../family.ts";

export const ttapi: Form = {
  id: "ttapi",
  title: "TTAPI",
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
    lookupProgress: true,
    separateImages: true,
    unsupportedPresses: ["favourite", "zoom:custom", "describe", "shorten", "video", "animate", "extend"],
  },
  unproven: {},
  load: () => import("./calls.ts"),
};
