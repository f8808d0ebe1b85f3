import { defineDialect } from "../dialect.ts";

/** Simulates the customId parser of new-api (docs/protocol.md 4.7), which splits at `::` and supports few words. */
function unknownToRelay(customId: string): boolean {
  const parts = customId.split("::");
  const word = (parts[1] === "JOB" ? parts[2] : parts[1]) ?? "";
  if (["upsample", "variation", "pan", "reroll"].some((known) => word.includes(known))) return false;
  return !["Outpaint", "CustomZoom", "Inpaint"].includes(word);
}

/**
 * new-api, the relay that most resellers run, in front of a plus server (docs/protocol.md 2.5, 5.5). It rewrites codes in
 * the text, so an open remix modal has code 1, and code 1 may have a `numberOfQueues`. If its operator allows callbacks,
 * the upstream sends them in the shape of the upstream.
 */
export const newapi = defineDialect({
  id: "newapi",
  verbs: [
    "imagine",
    "action",
    "modal",
    "change",
    "simple-change",
    "blend",
    "describe",
    "shorten",
    "edits",
    "video",
    "swap-face",
    "upload",
    "fetch",
    "list-by-condition",
    "image-seed",
    "image",
  ],
  prefixes: ["/mj", "/*/mj"],
  // relay/relay-mj.go getMjRequestPath; RelaySwapFace reads only sourceBase64 and targetBase64.
  stripsPrefix: true,
  swapLinks: false,
  auth: { headers: ["authorization", "mj-api-secret"], optional: false },
  errors: "relay",
  unknownTask: "relay-400",
  shape: "relay",
  // The relay writes status and body without copying upstream headers (docs/protocol.md 2.3).
  contentType: "text/plain; charset=utf-8",
  reads: { notifyHook: true, state: true, accountFilter: false, enableRemix: false, links: true },
  actionNames: {},
  refusesPress: unknownToRelay,
  strictTaskId: true,
  longIds: true,
  emptyStatusMs: 400,
  rewrite(body, action) {
    const accepted = body.replace('"code":22', '"code":1');
    return action === "INPAINT" || action === "CUSTOM_ZOOM" ? accepted : accepted.replace('"code":21', '"code":1');
  },
});
