import { dialect } from "../dialect.ts";

/** The simulated vendor (`npm run simulator`): the protocol of plus without deviations. */
export const simulator = dialect({
  id: "simulator",
  title: "mjflow simulator",
  sources: ["packages/simulator"],
  search: ["query", "recent"],
});
