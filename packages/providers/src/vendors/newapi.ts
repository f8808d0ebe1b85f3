import { dialect } from "../dialect.ts";

/**
 * The relay most resellers run. Unless its operator enabled MjNotifyEnabled and MjAccountFilterEnabled, both fields are
 * deleted on the way and no callback ever comes; codes 21 and 22 are rewritten to 1; its copy of a task is up to 15 s old.
 * Its only list without ids (`GET /api/mj/self`) wants a console login and shows no `state`: it cannot be searched.
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
