/** AceDataCloud: what it can do. See README.md. */
import type { Form } from "../../family.ts";
import { UNSUPPORTED_PRESSES } from "./unsupported.ts";

export const acedatacloud: Form = {
  id: "acedatacloud",
  title: "AceDataCloud",
  capabilities: {
    notifyHook: "documented",
    listByCondition: true,
    searchByState: true,
    instantActions: [],
    rootActions: ["imagine", "blend", "edit", "describe"],
    modes: ["fast", "relax", "turbo"],
    seed: true,
    imageLinks: true,
    swapLinks: false,
    linksOnly: ["imagine", "blend", "edit", "describe"],
    optionalFields: [],
    promptActions: ["edit"],
    modals: false,
    endOnly: true,
    separateImages: true,
    unsupportedPresses: UNSUPPORTED_PRESSES,
  },
  unproven: { shorten: { rootActions: ["imagine", "blend", "edit", "describe", "shorten"] } },
  load: () => import("./calls.ts"),
};
