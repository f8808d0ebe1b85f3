/** `mjflow imagine`: creates a flow from a prompt and a plan, and follows it. */
import { command, type Option } from "../command.ts";
import { createFlow, FLOW_OPTIONS } from "../create-flow.ts";
import { imageOf } from "../image.ts";

const OPTIONS = {
  ...FLOW_OPTIONS,
  image: { type: "string", multiple: true, value: "FILE|URL", help: "reference image for the prompt" },
} as const satisfies Record<string, Option>;

export const imagine = command({
  name: "imagine",
  summary: "create a flow from a prompt and a plan, and follow it",
  usage: ['"prompt" [--then PRESSES]…'],
  argCount: [1, 1],
  options: OPTIONS,
  notes: `
A path of presses is read from left to right: 'U2>zoom:2' presses U2, then zoom:2 on its result. A comma separates
several presses: 'U1,U2>zoom:2'. A prompt after = is the modal answer of a press: 'zoom:custom=a boat --zoom 1.6'.
Several --then options form one plan.

  mjflow imagine "a paper boat" --then upscale:all --then 'U2>zoom:2'`,
  run(context, { values, positionals }) {
    const { cwd } = context.platform;
    return createFlow(context, values, {
      prompt: positionals[0]!,
      ...(values.image.length > 0 && { base64Array: values.image.map((image) => imageOf(image, cwd, "--image")) }),
    });
  },
});
