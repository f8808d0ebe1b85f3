/**
 * Help for Midjourney's prompt parameters (docs.midjourney.com, Parameter List). The vendor decides which parameters a
 * model supports; the console rejects none.
 */
export interface Parameter {
  name: string;
  /** Text that is added to the prompt. */
  example: string;
  help: string;
}

export const PARAMETERS: readonly Parameter[] = [
  { name: "--ar", example: "--ar 16:9", help: "Aspect ratio, width:height. Default: square." },
  { name: "--v", example: "--v 7", help: "Model version." },
  { name: "--niji", example: "--niji 6", help: "The model for anime and illustration." },
  {
    name: "--stylize",
    example: "--stylize 250",
    help: "Strength of Midjourney's own style: 0 to 1000, default 100.",
  },
  { name: "--chaos", example: "--chaos 20", help: "How different the four images are: 0 to 100." },
  { name: "--weird", example: "--weird 250", help: "How unusual the image is: 0 to 3000." },
  { name: "--no", example: "--no text", help: "What the image must not show." },
  { name: "--seed", example: "--seed 1234", help: "Start from the same noise, to compare prompts." },
  { name: "--quality", example: "--quality 2", help: "How much rendering time is used; more time costs more." },
  { name: "--raw", example: "--raw", help: "Closer to the prompt, less of the model's own style." },
  { name: "--tile", example: "--tile", help: "A pattern whose edges fit together." },
  { name: "--iw", example: "--iw 1.5", help: "Weight of an image in the prompt: 0 to 3." },
  { name: "--sref", example: "--sref https://", help: "Use the style of an image." },
  { name: "--oref", example: "--oref https://", help: "Use an object or a person of an image." },
];

/** Adds the parameter at the end of the prompt and removes an earlier use of the same parameter. */
export function withParameter(prompt: string, { name, example }: Pick<Parameter, "name" | "example">): string {
  const without = withoutParameter(prompt, name);
  return without === "" ? example : `${without} ${example}`;
}

export function withoutParameter(prompt: string, name: string): string {
  return prompt.replace(use(name), "").trimEnd();
}

/** Sets the value of a parameter in its place, or at the end of the prompt. */
export function withValue(prompt: string, name: string, value: string): string {
  if (parameterOf(prompt, name) === undefined) return withParameter(prompt, { name, example: `${name} ${value}` });
  return prompt.replace(use(name), ` ${name} ${value}`).trimStart();
}

/** Returns the value of a parameter in the prompt; an empty text if it has none; undefined if the prompt does not have it. */
export function parameterOf(prompt: string, name: string): string | undefined {
  return use(name).exec(prompt)?.[1]?.trim() ?? (use(name).test(prompt) ? "" : undefined);
}

/** Other names of the same parameter. */
const ALIASES: Readonly<Record<string, string>> = {
  "--ar": "--ar|--aspect",
  "--v": "--v|--version",
  "--stylize": "--stylize|--s",
};

function use(name: string): RegExp {
  return new RegExp(`(?:^|\\s+)(?:${ALIASES[name] ?? name})(?=\\s|$)(\\s+(?!--)\\S+)?`, "g");
}
