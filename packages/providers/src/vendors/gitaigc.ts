import { dialect } from "../dialect.ts";

/** The mode is asked for in `accountFilter.modes`; answers 201 as well as 200; the samples' result is an integer. */
export const gitaigc = dialect({
  id: "gitaigc",
  title: "gitaigc",
  sources: ["7d0ugddepq.apifox.cn/api-224747726 (action)"],
  mode: "accountFilter",
});
