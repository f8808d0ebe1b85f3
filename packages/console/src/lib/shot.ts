/** The single pictures of results: what the gallery shows as tiles and the lightbox one by one. Pure. */
import type { Copy, Media, Picture, Task } from "@mjflow/client";
import { locale } from "../text/text.ts";
import { parameterOf } from "./parameter.ts";
import { nameOfTask, resultKind, rootKind } from "./press.ts";
import { safeImageUrl } from "./safe.ts";

/** A picture or a video of a result. */
export interface Shot {
  /** Task id and number of the picture: `task_….2`. */
  id: string;
  taskId: string;
  flowId: string;
  /** Number of the picture in its result, from 1, and how many there are. */
  number: number;
  of: number;
  /** Where the picture can be loaded from, best first: the archived copy, then the vendor's links. */
  sources: readonly string[];
  /** Quarter of the picture, 1 to 4, if the vendor gave one picture with four; unset: the whole picture. */
  quarter: 1 | 2 | 3 | 4 | undefined;
  /** Address of the video; unset: it is a picture. */
  video: string | undefined;
  /** Archived copy; unset: there is none. */
  copy: Copy | undefined;
  /** Width by height: the one that the prompt asks for. The list does not say the size of a picture. */
  ratio: number;
  press: string | null;
  /** Name of the task, and the same with the number of the picture. */
  name: string;
  label: string;
  prompt: string | null;
  /** Null if the vendor does not report it. */
  seed: string | null;
  provider: string;
  /** Unset if the server does not know it. */
  account: string | undefined;
  endedAt: string | null;
}

/** What a result needs for its shots. A picture of the list has it, and so has a task with the prompt of its flow. */
export type ShotSource = Pick<
  Picture,
  | "taskId"
  | "flowId"
  | "press"
  | "action"
  | "provider"
  | "account"
  | "imageUrl"
  | "images"
  | "videos"
  | "copies"
  | "prompt"
  | "seed"
  | "endedAt"
>;

/** @param prompt prompt of the flow */
export function sourceOfTask(task: Task, prompt: string | null): ShotSource {
  return { ...task, taskId: task.id, prompt: task.finalPrompt ?? prompt };
}

/** The shots of each source in the language of their labels. A page that is added to a long gallery makes only its own shots. */
const known = new WeakMap<ShotSource, { language: string; shots: readonly Shot[] }>();

export function shotsOf(source: ShotSource): readonly Shot[] {
  const before = known.get(source);
  if (before?.language === locale()) return before.shots;
  const shots = newShots(source);
  known.set(source, { language: locale(), shots });
  return shots;
}

function newShots(source: ShotSource): Shot[] {
  const { taskId, flowId, press, action, provider, account, prompt, seed = null, endedAt, videos } = source;
  const parts = videos.length > 0 ? videoParts(source) : imageParts(source);
  const name = nameOfTask({ press, action });
  return parts
    .filter(({ sources, video }) => sources.length > 0 || video !== undefined)
    .map((part, i, all) => ({
      id: `${taskId}.${i + 1}`,
      taskId,
      flowId,
      number: i + 1,
      of: all.length,
      ...part,
      ratio: ratioOf(prompt),
      press,
      name,
      label: all.length > 1 ? `${name} ${i + 1}` : name,
      prompt,
      seed,
      provider,
      account,
      endedAt,
    }));
}

type Part = Pick<Shot, "sources" | "quarter" | "video" | "copy">;

function imageParts({ press, action, imageUrl, images, copies }: ShotSource): Part[] {
  const own = copies.filter(({ contentType }) => contentType.startsWith("image/"));
  if (images.length > 1)
    return images.map((image, i) => {
      const copy = copyOf(own, image, i);
      return { sources: addresses(copy?.url, image.url), quarter: undefined, video: undefined, copy };
    });
  const copy = own[0];
  const sources = addresses(copy?.url, imageUrl, images[0]?.url);
  if (!isGrid(press, action)) return [{ sources, quarter: undefined, video: undefined, copy }];
  return ([1, 2, 3, 4] as const).map((quarter) => ({ sources, quarter, video: undefined, copy }));
}

function videoParts({ videos, imageUrl, copies }: ShotSource): Part[] {
  const own = copies.filter(({ contentType }) => contentType.startsWith("video/"));
  return videos.map((video, i) => {
    const copy = copyOf(own, video, i);
    return {
      sources: addresses(video.thumbnail, imageUrl),
      quarter: undefined,
      video: safeImageUrl(copy?.url) ?? safeImageUrl(video.url),
      copy,
    };
  });
}

/** The copy that was made of this link, or else the one at the same place. */
function copyOf(copies: readonly Copy[], { url }: Media, i: number): Copy | undefined {
  return copies.find(({ source }) => source === url) ?? copies[i];
}

function addresses(...urls: readonly (string | null | undefined)[]): string[] {
  return [...new Set(urls.map((url) => safeImageUrl(url)).filter((url) => url !== undefined))];
}

/** Actions whose results are one picture. */
const SINGLE: ReadonlySet<string> = new Set(["SWAP_FACE", "DESCRIBE", "SHORTEN", "UPSCALE"]);

function isGrid(press: string | null, action: string): boolean {
  if (press !== null) return resultKind(press) === "grid";
  return !SINGLE.has(action) && rootKind(action.toLowerCase()) === "grid";
}

/** Returns the ratio that the prompt asks for, within what a row can show; a square if it asks for none. */
export function ratioOf(prompt: string | null): number {
  const [width, height] = (parameterOf(prompt ?? "", "--ar") ?? "").split(":").map(Number);
  const ratio = width && height ? width / height : 1;
  return Number.isFinite(ratio) ? Math.min(4, Math.max(0.25, ratio)) : 1;
}

/**
 * Name of a downloaded file: the prompt, the press, the number of the image if the result has several files, and the seed if the
 * vendor reports it. Two files of a ZIP can have the same name (zip.ts).
 */
export function fileNameOf({ prompt, name, number, of, quarter, seed, copy }: Shot): string {
  const words = slugOf((prompt ?? "").replace(/(^|\s)--.*$/s, "")).slice(0, 60);
  const hasNumber = of > 1 && quarter === undefined;
  const parts = [words, slugOf(name), hasNumber ? String(number) : "", slugOf(seed ?? "")];
  const end =
    copy?.contentType
      .split("/")[1]
      ?.replace("jpeg", "jpg")
      .split(/[^a-z0-9]/, 1)[0] ?? "png";
  return `${parts
    .map((part) => part.replace(/-$/, ""))
    .filter((part) => part !== "")
    .join("_")}.${end}`;
}

/** Lower case, with "-" between words. A slug has no "_", which separates the parts of a name. */
function slugOf(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f]+/g, "")
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replaceAll(/^-|-$/g, "");
}
