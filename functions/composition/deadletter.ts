import { baseDeps, lazy } from "./base.ts";

export const composeDeadletter = /* @__PURE__ */ lazy(() => baseDeps("deadletter"));
