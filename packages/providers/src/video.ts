/**
 * The video request (`/submit/video`, docs/protocol.md 1.12). It makes a root. At some vendors it also makes presses that
 * have no button there. mjflow defines their customIds and never sends them to a vendor.
 */
import { type Button, canonicalButtonName } from "@mjflow/core/button";
import type { PressCall, RootCall } from "@mjflow/core/port";
import type { Result } from "@mjflow/core/report";

type Body = Record<string, unknown>;

const PREFIX = "mjflow::video::";
const MOTIONS = ["high", "low"] as const;
/** Midjourney makes at most four videos at once. */
const MAX_VIDEOS = 4;

/**
 * The fields of a root. CometAPI requires `motion`, and the default of trueai-org is `low`.
 * @param prompt with the flag of the mode; can be empty
 */
export function videoBody({ inputs, video = {} }: RootCall, prompt: string): Body {
  const { motion = "low", ...options } = video;
  return {
    ...(prompt !== "" && { prompt }),
    image: inputs.image,
    ...(inputs.endImage !== undefined && { endImage: inputs.endImage }),
    motion,
    ...options,
  };
}

/**
 * Returns the buttons that the vendor did not show although it can make their presses with `/submit/video`.
 *
 * @param canAnimate true: the vendor animates images with `/submit/video`, because it refuses the customIds for it
 */
export function videoButtons(action: string | undefined, result: Result, canAnimate: boolean): readonly Button[] {
  const { buttons = [], videos = [] } = result;
  const names = buttons.map(({ customId }) => canonicalButtonName(customId) ?? "");
  const has = (start: string) => names.some((name) => name.startsWith(start));
  if (videos.length > 0 || action === "VIDEO") {
    if (has("extend:")) return [];
    const offered = names.filter((name) => name.startsWith("video:")).length;
    const count = Math.min(MAX_VIDEOS, Math.max(1, videos.length, offered));
    return Array.from({ length: count }, (_, i) => MOTIONS.map((motion) => buttonOf("extend", motion, i + 1))).flat();
  }
  // A grid has one button for each of its images. Midjourney would animate it as a collage of four.
  const isSingle = action === "UPSCALE" && result.imageUrl !== undefined && !has("upscale:1");
  return canAnimate && isSingle && !has("animate:") ? MOTIONS.map((motion) => buttonOf("animate", motion, 1)) : [];
}

function buttonOf(verb: "animate" | "extend", motion: (typeof MOTIONS)[number], n: number): Button {
  const title = `${verb[0]!.toUpperCase()}${verb.slice(1)} (${motion === "high" ? "High" : "Low"} motion)`;
  return { customId: `${PREFIX}${verb}::${motion}::${n}`, label: n === 1 ? title : `${title} ${n}`, emoji: "🎞️" };
}

/**
 * Returns the request for a press on one of `videoButtons`; undefined for other customIds. `no image`: the parent has no
 * image to animate.
 *
 * @param needsPrompt true: the vendor refuses a video without a prompt, so the prompt of the parent is used again
 */
export function videoPressOf(
  { vendorTaskId, customId, imageUrl, prompt: given, parentPrompt = "" }: PressCall,
  needsPrompt: boolean,
): Body | "no image" | undefined {
  const match = /^mjflow::video::(animate|extend)::(high|low)::([1-4])$/.exec(customId);
  if (!match) return undefined;
  const [, verb, motion, n] = match;
  const prompt = given ?? (needsPrompt ? withoutVideoFlags(parentPrompt) : undefined);
  const common = { motion, ...(prompt !== undefined && { prompt }) };
  // This index starts at 0. All other indexes of the protocol start at 1.
  if (verb === "extend") return { action: "extend", taskId: vendorTaskId, index: Number(n) - 1, ...common };
  return imageUrl === undefined ? "no image" : { image: imageUrl, ...common };
}

/** Servers add these flags to the prompt of a video. They would contradict those of the next one. */
const VIDEO_FLAGS = /(?:^|\s)--(?:motion\s+\S+|video(?:\s+\d+)?|bs\s+\d+|end\s+\S+|loop)(?=\s|$)/g;

function withoutVideoFlags(prompt: string): string {
  return prompt.replace(VIDEO_FLAGS, "").trim();
}
