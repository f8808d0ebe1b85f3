import { functionLog, lazy } from "./base.ts";
import { reduceUpload } from "./bucket.ts";

export const composeReduce = /* @__PURE__ */ lazy(() => ({ log: functionLog("reduce"), reduce: reduceUpload() }));
