/** `mjflow rerun`: creates a flow from the request of another one, with changes, and follows it. */
import type { FlowChanges } from "@mjflow/client";
import { command, type Option } from "../command.ts";
import { FLOW_OPTIONS, fieldsOf, followNew } from "../create-flow.ts";
import { imageOf } from "../image.ts";

const OPTIONS = {
  prompt: { type: "string", value: "TEXT", help: "another prompt" },
  image: { type: "string", multiple: true, value: "FILE|URL", help: "other reference images" },
  without: {
    type: "string",
    multiple: true,
    value: "FIELD",
    help: "remove a field of the request, named as in the API: then, state, mode",
  },
  ...FLOW_OPTIONS,
} as const satisfies Record<string, Option>;

export const rerun = command({
  name: "rerun",
  summary: "create a flow from the request of another one, with changes, and follow it",
  usage: ['<flow> [--prompt "prompt"] [--then PRESSES]… [--without FIELD]…'],
  argCount: [1, 1],
  options: OPTIONS,
  notes: `
The new flow is paid as a flow of its own. Without options it is the same as the old one, with its images and its plan.

  mjflow rerun flow_… --prompt "a paper boat at night" --without state`,
  run(context, { values, positionals: [id] }) {
    const { prompt, image, without } = values;
    const { cwd } = context.platform;
    const changes: FlowChanges = {
      ...Object.fromEntries(without.map((field) => [field, null])),
      ...fieldsOf(context, values),
      ...(prompt !== undefined && { prompt }),
      ...(image.length > 0 && { base64Array: image.map((each) => imageOf(each, cwd, "--image")) }),
    };
    return followNew(context, values, (options) => context.mjflow.flows.rerun(id!, changes, options));
  },
});
