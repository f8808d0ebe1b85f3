import { OPTIONAL_FIELDS } from "@mjflow/core/root-action";
import { ALL_OPERATIONS, dialect } from "../dialect.ts";

/** The simulated vendor (`npm run simulator`): the protocol of plus without deviations. */
export const simulator = dialect({
  id: "simulator",
  title: "mjflow simulator",
  sources: ["packages/simulator"],
  operations: [...ALL_OPERATIONS, "video", "edit", "retexture"],
  optionalFields: OPTIONAL_FIELDS,
  search: ["query", "recent"],
  remix: "enableRemix",
});
