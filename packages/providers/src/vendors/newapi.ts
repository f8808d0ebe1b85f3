import { OPTIONAL_FIELDS } from "@mjflow/core/root-action";
import { ALL_OPERATIONS, dialect } from "../dialect.ts";

/** Words of customIds that the relay understands (docs/protocol.md 4.7). It refuses all others with `unknown_action`. */
const KNOWN = ["upsample", "variation", "pan", "reroll", "Outpaint", "CustomZoom", "Inpaint"];

/**
 * The relay that most resellers run. It removes `notifyHook` and `accountFilter` unless its operator enabled
 * MjNotifyEnabled and MjAccountFilterEnabled; without `notifyHook` no callback comes. It rewrites the codes 21 and 22
 * to 1. Its copy of a task is up to 15 s old. Its only list without ids (`GET /api/mj/self`) needs a console login and
 * has no `state`, so it cannot be searched. It removes a mode prefix of the path before it calls its upstream, so only a flag
 * in the prompt has an effect. A face swap needs data URIs.
 */
export const newapi = dialect({
  id: "newapi",
  title: "new-api relay",
  sources: [
    "github.com/QuantumNous/new-api ef8ae4d: relay/relay-mj.go, controller/midjourney.go, setting/midjourney.go",
    "docs.newapi.pro/api/fei-midjourney-task",
  ],
  // Versions before 08b94b7 have no video and answer 404, which is a clear rejection. Bodies are passed on unchanged.
  operations: [...ALL_OPERATIONS, "video", "edit"],
  optionalFields: OPTIONAL_FIELDS,
  videoBy: "submit",
  mode: "prompt",
  swapLinks: false,
  relay: true,
  unsupportedPresses: ["describe", "shorten", "video"],
  canPressUnnamed(customId) {
    const parts = customId.split("::");
    const word = (/^JOB$/i.test(parts[1] ?? "") ? parts[2] : parts[1]) ?? "";
    return KNOWN.some((known) => word.includes(known));
  },
  code21: "shape",
  notifyHook: "unknown",
  // Passed on to the upstream, which may ignore it.
  remix: "enableRemix",
});
