import { dialect } from "../dialect.ts";

/** Our own vendor to run (`npm run simulator`): the plus protocol without a quirk. */
export const simulator = dialect({
  id: "simulator",
  title: "mjflow simulator",
  sources: ["packages/simulator"],
  search: ["query", "recent"],
});
