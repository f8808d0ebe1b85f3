/** Legnext: what it can do. See README.md. */
import type { Form } from "../../family.ts";

export const legnext: Form = {
  id: "legnext",
  title: "Legnext",
  capabilities: {
    notifyHook: "documented",
    listByCondition: false,
    searchByState: false,
    instantActions: [],
    rootActions: ["imagine", "blend", "describe", "shorten", "retexture"],
    modes: ["fast", "turbo"],
    seed: true,
    imageLinks: true,
    swapLinks: false,
    linksOnly: ["imagine", "blend", "describe", "retexture"],
    optionalFields: [],
    promptActions: ["retexture"],
    modals: false,
    endOnly: true,
    separateImages: true,
    masks: "polygons",
    unsupportedPresses: [
      "favourite",
      "vary:region",
      "zoom:custom",
      "square",
      "pan",
      "describe",
      "shorten",
      "video",
      "animate",
      "extend",
    ],
  },
  unproven: {},
  load: () => import("./calls.ts"),
};
