/** `mjflow upload`: sends an image to the bucket of the deployment, for use in several flows. */
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";
import { imageFile } from "../image.ts";

export const upload = command({
  name: "upload",
  summary: "send an image to the server, and print its id",
  usage: ["FILE"],
  argCount: [1, 1],
  options: {} as const satisfies Record<string, Option>,
  notes: `
The id can be given wherever a command takes an image, for 7 days:

  mjflow imagine "a paper boat" --image "$(mjflow upload reference.png)"`,
  async run(context, { positionals }) {
    const bytes = imageFile(positionals[0]!, context.platform.cwd, "The image");
    const sent = await context.mjflow.uploads.send(bytes, { signal: context.signal });
    context.show(sent, () => [sent.id]);
    return EXIT.ok;
  },
});
