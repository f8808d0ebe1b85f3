import { defineDialect, ENGLISH, MODE_PREFIXES } from "../dialect.ts";

/** CometAPI (docs/protocol.md 8.2): a new-api derivative with its own error body. The results of blend, modal and describe are integers. */
export const cometapi = defineDialect({
  id: "cometapi",
  // "Submit Editor" is documented without a path. `edits` is the route of new-api (docs/protocol.md 1.11).
  verbs: ["imagine", "action", "modal", "blend", "describe", "edits", "video", "fetch", "list-by-condition", "image"],
  prefixes: MODE_PREFIXES,
  errors: "comet",
  words: { ...ENGLISH, accepted: "Submission successful" },
  integerResult: new Set(["blend", "modal", "describe"]),
  properties: "instance+channel",
  unknownTask: "relay-400",
  shape: "comet",
  // Whether CometAPI sends callbacks is unknown (docs/protocol.md 10.3). Here it does, except with the scenario `silent`.
  reads: { notifyHook: true, state: true, accountFilter: true, enableRemix: true, links: true },
  actionNames: {},
  // Derived from new-api, whose parser knows no customId of animations. No document says it (docs/protocol.md 4.7).
  refusesPress: (customId) => customId.includes("::animate_"),
  video: { needsMotion: true, needsPrompt: false, options: false },
  buttonStyle: 1,
});
