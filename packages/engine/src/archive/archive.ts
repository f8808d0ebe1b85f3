/**
 * Copies result images into our bucket, where they do not expire, and makes the tiles of a grid. A tile costs nothing and
 * replaces a paid upscale. It is cut from the grid, or it is the picture of its number if the vendor gave the four separately. The bucket keys are deterministic, so a copy that is made twice is stored once (T3).
 */
import { TILE_ACTION, tileNumberOf } from "@mjflow/core/button";
import { COPY_FAILURES, type CopyFailureCode, FAILURES, failure, type Retry } from "@mjflow/core/error";
import { parentPath } from "@mjflow/core/id";
import { outgoingArchive } from "@mjflow/core/message";
import type { TaskRef } from "@mjflow/core/port";
import type { Copy, CopyFailure, Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { applySignal } from "../step/apply-signal.ts";
import { runEffects } from "../step/run-effects.ts";

type Stored = Omit<Copy, "source">;

/**
 * Both methods return the existing copy if the key is already stored. @throws an error with `retry`, like all errors of
 * mjflow
 */
export interface Media {
  copy(request: { url: string; key: string }): Promise<Stored>;
  /** @param n number of the tile: 1 and 2 are in the upper row, 3 and 4 in the lower row */
  tile(request: { from: string; key: string; n: number }): Promise<Stored>;
}

type ArchiveDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "timings" | "log" | "chain"> & {
  media: Media;
};

/**
 * Archives the images of a task, or makes a tile.
 * @throws an error that may pass; the queue then delivers the message again
 */
export async function archive(deps: ArchiveDeps, ref: TaskRef): Promise<void> {
  const task = await deps.store.getTask(ref);
  if (!task) return deps.log.warn("archive.no-such-task", { flow: ref.flowId, path: ref.path });
  if (task.action === TILE_ACTION) return makeTile(deps, task);
  if (!task.pendingEffects?.includes("archive")) return;
  const copies: Copy[] = [];
  const failures: CopyFailure[] = [];
  // One copy at a time, because the disk and memory of the function hold one image.
  for (const [i, source] of sourcesOf(task).entries()) {
    const copy = () => deps.media.copy({ url: source, key: mediaKey(task, i) });
    const made = await unlessPermanentFailure(deps, task, copy).catch((error: unknown) => {
      if (mayAppear(error)) return "too early" as const;
      throw error;
    });
    if (made === "too early") {
      return deps.queue.send([outgoingArchive(task, LINK_RETRY_MS)]);
    }
    if ("failed" in made) failures.push({ source, code: made.failed });
    else copies.push({ ...made, source });
  }
  deps.log.count("Archived", copies.length);
  await runEffects(deps, await applySignal(deps, task, { kind: "archived", copies, failures }));
}

async function makeTile(deps: ArchiveDeps, task: Task): Promise<void> {
  if (task.status !== "PENDING") return;
  const { flow, tasks } = await deps.store.load(task.flowId, [parentPath(task.path) ?? ""]);
  if (flow?.canceledAt !== undefined) return runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
  const [parent] = tasks;
  const grid = parent?.status === "SUCCESS" ? parent.result?.imageUrl : undefined;
  const n = tileNumberOf(task.press);
  if (parent?.status === "SUCCESS" && grid === undefined && mayBeCompleted(deps, parent, task)) {
    return deps.queue.send([outgoingArchive(task, LINK_RETRY_MS)]);
  }
  if (!parent || grid === undefined || n === undefined) return fail(deps, task, "press_not_offered");
  const tile = await tileOf(deps, task, { parent, grid, n }).catch((error: unknown) => {
    if (mayAppear(error)) return "too early" as const;
    throw error;
  });
  if (tile === "too early") return deps.queue.send([outgoingArchive(task, LINK_RETRY_MS)]);
  if ("failed" in tile) return fail(deps, task, "tile_not_cut", tile.failed);
  const copies = [tile];
  deps.log.count("Archived");
  await runEffects(deps, await applySignal(deps, task, { kind: "tileCut", result: {}, copies }));
}

/**
 * Returns the copy of the separate picture. Without it, or if it can never be copied, the tile is cut from the grid.
 * @throws an error that may pass
 */
async function tileOf(
  deps: ArchiveDeps,
  task: Task,
  { parent, grid, n }: { parent: Task; grid: string; n: number },
): Promise<Copy | { failed: CopyFailureCode }> {
  const picture = pictureOf(parent, n);
  if (picture !== undefined) {
    // Its copy may be there already, as an image of the parent.
    const key = mediaKey(parent, sourcesOf(parent).indexOf(picture));
    const copy = await unlessPermanentFailure(deps, parent, () => deps.media.copy({ url: picture, key }));
    if (!("failed" in copy)) return { ...copy, source: picture };
  }
  const cut = await unlessPermanentFailure(deps, parent, async () => {
    const from = await deps.media.copy({ url: grid, key: mediaKey(parent, 0) });
    return deps.media.tile({ from: from.key, key: mediaKey(task, 0), n });
  });
  return "failed" in cut ? cut : { ...cut, source: grid };
}

/** Returns the separate picture of this number; undefined if the vendor gave only the grid. */
function pictureOf({ result }: Task, n: number): string | undefined {
  const images = result?.images ?? [];
  return images.length === 4 ? images[n - 1]!.url : undefined;
}

async function fail(
  deps: ArchiveDeps,
  task: Task,
  code: "press_not_offered" | "tile_not_cut",
  reason?: CopyFailureCode,
): Promise<void> {
  const why = reason && { reason, message: `${FAILURES[code]} ${COPY_FAILURES[reason]}` };
  await runEffects(deps, await applySignal(deps, task, { kind: "abandon", failure: failure(code, why) }));
}

/** A vendor may report the success first and the image later. A tile waits as long as a press waits for buttons. */
function mayBeCompleted({ clock, timings }: ArchiveDeps, parent: Task, { createdAt }: Task): boolean {
  return clock.now() < Math.max(parent.endedAt ?? 0, createdAt) + timings.parentMs;
}

/** The vendor may report an image as finished shortly before its link works (docs/protocol.md 3.6). */
const LINK_DELAY_MAX_MS = 120_000;
const LINK_RETRY_MS = 10_000;

/** True for an error that a link of a new result can have until the vendor has stored the whole image. */
function mayAppear(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "gone" || code === "incomplete";
}

/**
 * Returns the reason if the work can never succeed. Errors that may pass are thrown.
 * @param task the task that has the links as its result. For a tile it is the parent: the tile itself has not ended
 */
async function unlessPermanentFailure(
  deps: ArchiveDeps,
  task: Task,
  work: () => Promise<Stored>,
): Promise<Stored | { failed: CopyFailureCode }> {
  try {
    return await work();
  } catch (error) {
    const { retry, code } = error as { retry?: Retry; code?: string };
    const isNew = (task.endedAt ?? 0) + LINK_DELAY_MAX_MS > deps.clock.now();
    if (retry !== "never" || (isNew && mayAppear(error))) throw error;
    deps.log.count("ArchiveFailures");
    deps.log.warn("archive.failed", { flow: task.flowId, path: task.path, code });
    return { failed: code !== undefined && code in COPY_FAILURES ? (code as CopyFailureCode) : "unavailable" };
  }
}

/** Returns the links of all images and videos of a result, each once. */
export function sourcesOf({ result }: Pick<Task, "result">): string[] {
  const images = result?.images?.length ? result.images.map((image) => image.url) : [result?.imageUrl ?? ""];
  const videos = (result?.videos ?? []).map((video) => video.url);
  return [...new Set([result?.imageUrl ?? "", ...images, ...videos])].filter((url) => url !== "");
}

/** Returns the bucket key of image `n` of a task. Image 0 is the whole grid, or the only image. */
export function mediaKey({ flowId, path }: TaskRef, n: number): string {
  return `media/${flowId}/${path}/${n}`;
}
