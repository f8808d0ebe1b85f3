/**
 * Midjourney's parameters, for people who write a prompt (docs.midjourney.com, Parameter List). Help only: which of them a
 * model takes is the vendor's affair, and nothing is refused here.
 */
export interface Parameter {
  name: string;
  /** What is put into the prompt. */
  example: string;
  help: string;
}

export const PARAMETERS: readonly Parameter[] = [
  { name: "--ar", example: "--ar 16:9", help: "Aspect ratio, width:height. Square without it." },
  { name: "--v", example: "--v 7", help: "Model version." },
  { name: "--niji", example: "--niji 6", help: "The model for anime and illustration." },
  {
    name: "--stylize",
    example: "--stylize 250",
    help: "How much of Midjourney's own taste: 0 to 1000, 100 without it.",
  },
  { name: "--chaos", example: "--chaos 20", help: "How different the four pictures are: 0 to 100." },
  { name: "--weird", example: "--weird 250", help: "How unusual: 0 to 3000." },
  { name: "--no", example: "--no text", help: "What should not be in it." },
  { name: "--seed", example: "--seed 1234", help: "The same noise to begin with: for comparing prompts." },
  { name: "--quality", example: "--quality 2", help: "How much time goes into it; costs accordingly." },
  { name: "--raw", example: "--raw", help: "Closer to the prompt, less of the model's taste." },
  { name: "--tile", example: "--tile", help: "A pattern whose edges fit together." },
  { name: "--iw", example: "--iw 1.5", help: "How much a picture in the prompt counts: 0 to 3." },
  { name: "--sref", example: "--sref https://", help: "Take the style from a picture." },
  { name: "--oref", example: "--oref https://", help: "Take a thing or a person from a picture." },
];

/** Put at the end, where parameters belong; one that is there already is replaced. */
export function withParameter(prompt: string, { name, example }: Parameter): string {
  const without = prompt.replace(new RegExp(`\\s*${name}(?=\\s|$)(?:\\s+(?!--)\\S+)?`, "g"), "").trimEnd();
  return without === "" ? example : `${without} ${example}`;
}
