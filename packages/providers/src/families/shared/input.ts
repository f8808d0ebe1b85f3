/** Images of requests, in the form that a family reads. */

const isLink = (image: string) => /^https?:/i.test(image);

/** Returns the images if all have the form; otherwise undefined. */
export function imageListOf(images: readonly string[], form: "links" | "data"): readonly string[] | undefined {
  return images.every((image) => isLink(image) === (form === "links")) ? images : undefined;
}

/** Midjourney reads links to images in front of the prompt. Returns undefined if an image is no link. */
export function promptWithLinks(prompt: string, images: readonly string[]): string | undefined {
  return imageListOf(images, "links") && [...images, prompt].join(" ").trim();
}

/** Adds the mode as a flag, if the prompt has no mode flag yet. */
export function promptWithMode(prompt: string, mode: string | undefined): string {
  return mode === undefined || /(?:^|\s)--(?:fast|relax|turbo)\b/i.test(prompt) ? prompt : `${prompt} --${mode}`.trim();
}
