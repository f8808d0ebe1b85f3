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
export function withParameter(prompt: string, { name, example }: Parameter): string {
  const without = prompt.replace(new RegExp(`\\s*${name}(?=\\s|$)(?:\\s+(?!--)\\S+)?`, "g"), "").trimEnd();
  return without === "" ? example : `${without} ${example}`;
}
