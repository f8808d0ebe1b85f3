import { dialect } from "../dialect.ts";

/**
 * The relay that most resellers run. It removes `notifyHook` and `accountFilter` unless its operator enabled
 * MjNotifyEnabled and MjAccountFilterEnabled; without `notifyHook` no callback comes. It rewrites the codes 21 and 22
 * to 1. Its copy of a task is up to 15 s old. Its only list without ids (`GET /api/mj/self`) needs a console login and
 * has no `state`, so it cannot be searched.
 */
export const newapi = dialect({
  id: "newapi",
  title: "new-api relay",
  sources: [
    "github.com/QuantumNous/new-api ef8ae4d: relay/relay-mj.go, controller/midjourney.go, setting/midjourney.go",
    "docs.newapi.pro/api/fei-midjourney-task",
  ],
  code21: "shape",
  notifyHook: "unknown",
});
