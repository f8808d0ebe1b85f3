import { base, once } from "./base.ts";

export const wireDeadletter = /* @__PURE__ */ once(() => base("deadletter"));
