/** Presses that this family can never make. Their buttons are left out of results. */
export const UNSUPPORTED_PRESSES: readonly string[] = [
  "favourite",
  "vary:region",
  "zoom:custom",
  "square",
  "upscale:subtle",
  "upscale:creative",
  "describe",
  "shorten",
  "video",
  "animate",
  "extend",
];
