/** useapi.net v3: what it can do. See README.md. */
import type { Form } from "../../family.ts";
import { UNSUPPORTED_PRESSES } from "./unsupported.ts";

export const useapi: Form = {
  id: "useapi",
  title: "useapi.net v3",
  capabilities: {
    notifyHook: "documented",
    listByCondition: false,
    searchByState: true,
    instantActions: [],
    rootActions: ["imagine", "blend"],
    modes: ["fast", "relax", "turbo"],
    // `/jobs/seed` starts a job of its own.
    seed: false,
    imageLinks: true,
    swapLinks: false,
    linksOnly: ["imagine", "blend", "describe"],
    optionalFields: [],
    promptActions: [],
    modals: true,
    modalPresses: ["zoom:custom"],
    separateImages: true,
    masks: "webp",
    unsupportedPresses: UNSUPPORTED_PRESSES,
  },
  unproven: { describe: { rootActions: ["imagine", "blend", "describe"] } },
  load: () => import("./calls.ts"),
};
