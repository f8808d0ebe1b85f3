/**
 * Pictures into our own bucket, where they do not expire; and tiles cut from a grid, for nothing, in place of four paid
 * upscales. Keys are deterministic, so that a copy made twice is one copy (T3).
 */
import { TILE_ACTION, tileNumberOf } from "@mjflow/core/button";
import { failure, type Retry } from "@mjflow/core/error";
import { parentPath } from "@mjflow/core/id";
import { archiveMessage } from "@mjflow/core/message";
import type { TaskRef } from "@mjflow/core/port";
import type { Copy, Task } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import { runEffects } from "./run-effects.ts";

type Stored = Omit<Copy, "source">;

/** Both answer what is there already under the key. @throws an error with a `retry`, as all of ours */
export interface Media {
  copy(request: { url: string; key: string }): Promise<Stored>;
  /** @param n 1 and 2 above, 3 and 4 below */
  tile(request: { from: string; key: string; n: number }): Promise<Stored>;
}

type ArchiveDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log"> & { media: Media };

/** @throws what is worth trying again: the queue brings the message back */
export async function archive(deps: ArchiveDeps, ref: TaskRef): Promise<void> {
  const task = await deps.store.getTask(ref);
  if (!task) return deps.log.warn("archive.no-such-task", { flow: ref.flowId, path: ref.path });
  if (task.action === TILE_ACTION) return cut(deps, task);
  if (!task.pendingEffects?.includes("archive")) return;
  const copies: Copy[] = [];
  // One after another: the function's disk and memory hold one picture.
  for (const [i, source] of sourcesOf(task).entries()) {
    const copy = () => deps.media.copy({ url: source, key: mediaKey(task, i) });
    const stored = await unlessHopeless(deps, task, copy).catch((error: unknown) => {
      if (isGone(error)) return "not yet" as const;
      throw error;
    });
    if (stored === "not yet") {
      return deps.queue.send([{ message: archiveMessage(task.flowId, task.path), delayMs: SETTLE_PAUSE_MS }]);
    }
    if (stored) copies.push({ ...stored, source });
  }
  deps.log.count("Archived", copies.length);
  await runEffects(deps, await applySignal(deps, task, { kind: "archived", copies }));
}

async function cut(deps: ArchiveDeps, task: Task): Promise<void> {
  if (task.status !== "PENDING") return;
  const { flow, tasks } = await deps.store.load(task.flowId, [parentPath(task.path) ?? ""]);
  if (flow?.canceledAt !== undefined) return runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
  const [parent] = tasks;
  const grid = parent?.status === "SUCCESS" ? parent.result?.imageUrl : undefined;
  const n = tileNumberOf(task.press);
  if (!parent || grid === undefined || n === undefined) return fail(deps, task, "press_not_offered");
  const tile = await unlessHopeless(deps, task, async () => {
    const from = await deps.media.copy({ url: grid, key: mediaKey(parent, 0) });
    return deps.media.tile({ from: from.key, key: mediaKey(task, 0), n });
  });
  if (!tile) return fail(deps, task, "tile_not_cut");
  const copies = [{ ...tile, source: grid }];
  deps.log.count("Archived");
  await runEffects(deps, await applySignal(deps, task, { kind: "tileCut", result: {}, copies }));
}

async function fail(deps: ArchiveDeps, task: Task, code: "press_not_offered" | "tile_not_cut"): Promise<void> {
  await runEffects(deps, await applySignal(deps, task, { kind: "abandon", failure: failure(code) }));
}

/** A picture may be shown as finished a little before its link works (docs/protocol.md 3.6). */
const SETTLE_MS = 120_000;
const SETTLE_PAUSE_MS = 10_000;

function isGone(error: unknown): boolean {
  return (error as { code?: string }).code === "gone";
}

/** Undefined: it will never work. Errors that may pass are thrown. */
async function unlessHopeless(deps: ArchiveDeps, task: Task, work: () => Promise<Stored>): Promise<Stored | undefined> {
  try {
    return await work();
  } catch (error) {
    const { retry, code } = error as { retry?: Retry; code?: string };
    const isNew = (task.endedAt ?? 0) + SETTLE_MS > deps.clock.now();
    if (retry !== "never" || (isNew && isGone(error))) throw error;
    deps.log.count("ArchiveFailures");
    deps.log.warn("archive.failed", { flow: task.flowId, path: task.path, code });
    return undefined;
  }
}

function sourcesOf({ result }: Task): string[] {
  const images = result?.images?.length ? result.images.map((image) => image.url) : [result?.imageUrl ?? ""];
  const videos = (result?.videos ?? []).map((video) => video.url);
  return [...new Set([result?.imageUrl ?? "", ...images, ...videos])].filter((url) => url !== "");
}

/** Where the n-th picture of a task is: its first is the whole grid, or the one picture. */
export function mediaKey({ flowId, path }: TaskRef, n: number): string {
  return `media/${flowId}/${path}/${n}`;
}
