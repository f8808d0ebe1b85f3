import { dialect } from "../dialect.ts";

/** The mode is sent in `accountFilter.modes`. Responses have status 200 or 201. The sample results are integers. */
export const gitaigc = dialect({
  id: "gitaigc",
  title: "gitaigc",
  sources: ["7d0ugddepq.apifox.cn/api-224747726 (action)"],
  mode: "accountFilter",
  remix: "accountFilter",
});
