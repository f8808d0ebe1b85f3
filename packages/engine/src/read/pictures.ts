/**
 * The results of an app, newest first. The listing is derived from the listing of flows, so it costs no write and no index. The
 * flows come newest first, and so do the results within each flow.
 */
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { isFlowId, taskIdOf } from "@mjflow/core/id";
import type { Task } from "@mjflow/core/task";
import { isoOf } from "../date.ts";
import type { EngineDeps } from "../deps.ts";
import { getOwnFlow } from "./own.ts";
import { type Links, taskView } from "./view.ts";

export interface PictureQuery {
  /** Only results of this flow. */
  flow?: string | undefined;
  /** Action of the task in the vendor protocol, for example `UPSCALE`. */
  action?: string | undefined;
  /** True: only results with a video. False: only results without. */
  video?: boolean | undefined;
  /** True: only results with a favorite. */
  favorite?: boolean | undefined;
  /** Only results with a picture in this folder. */
  folder?: string | undefined;
  /** Bounds of the creation time of the flow, epoch ms, both included. */
  since?: number | undefined;
  until?: number | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface Picture {
  flow: Flow;
  task: Task;
}

type PictureDeps = Pick<EngineDeps, "store">;

/** Flows that are read at one time. Each is one request for its rows. */
const FLOWS_AT_ONCE = 10;
/** Flows that one call reads at most. It returns what it found, with a cursor for the rest. */
const MAX_FLOWS_READ = 100;

/** @throws MjflowError `invalid_request` for a foreign cursor; `not_found` if the flow of the query is not the app's */
export async function listPictures(
  deps: PictureDeps,
  appId: string,
  query: PictureQuery,
): Promise<{ pictures: Picture[]; cursor?: string }> {
  const from = query.cursor === undefined ? undefined : decode(appId, query.cursor);
  const page = createPage(appId, query, from);
  if (query.flow !== undefined) {
    page.add(await getOwnFlow(deps, appId, query.flow));
    return page.result();
  }
  const until = Math.min(from?.createdAt ?? Number.POSITIVE_INFINITY, query.until ?? Number.POSITIVE_INFINITY);
  const bounds = { ...(query.since !== undefined && { since: query.since }), ...(Number.isFinite(until) && { until }) };
  let cursor: string | undefined;
  for (let read = 0; read < MAX_FLOWS_READ; read += FLOWS_AT_ONCE) {
    const listed = await deps.store.listFlows(appId, FLOWS_AT_ONCE, cursor, bounds);
    const whole = await Promise.all(listed.flows.map(({ id }) => deps.store.loadFlow(id)));
    for (const { flow, tasks } of whole) if (flow && flow.deletedAt === undefined) page.add({ flow, tasks });
    cursor = listed.cursor;
    if (page.isFull()) return page.result();
    if (cursor === undefined) return page.result();
  }
  return page.result({ hasMore: true });
}

// ── one page ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a page ended: a flow, and in it the last result. Without a result the whole flow was read. */
interface Position {
  createdAt: number;
  flowId: string;
  endedAt?: number | undefined;
  path?: string | undefined;
}

function createPage(appId: string, query: PictureQuery, from: Position | undefined) {
  const pictures: Picture[] = [];
  let last: Position | undefined;
  const isFull = () => pictures.length > query.limit;
  return {
    isFull,
    add({ flow, tasks }: { flow: Flow; tasks: readonly Task[] }): void {
      if (isFull() || !isAfter(flow, from)) return;
      for (const task of tasks.filter((each) => matches(each, query)).sort(newestFirst)) {
        const isRead = from?.flowId === flow.id && !isAfterTask(task, from);
        if (isRead) continue;
        // One more than the page shows that there is another page.
        pictures.push({ flow, task });
        if (isFull()) return;
        last = { createdAt: flow.createdAt, flowId: flow.id, endedAt: endOf(task), path: task.path };
      }
      last = { createdAt: flow.createdAt, flowId: flow.id };
    },
    result({ hasMore = isFull() } = {}): { pictures: Picture[]; cursor?: string } {
      const shown = pictures.slice(0, query.limit);
      return { pictures: shown, ...(hasMore && last && { cursor: encode(appId, last) }) };
    },
  };
}

/** True for a flow that comes after the position in the listing, or in which the position is. */
function isAfter({ createdAt, id }: Flow, from: Position | undefined): boolean {
  if (!from) return true;
  if (id === from.flowId) return from.path !== undefined;
  return createdAt < from.createdAt || (createdAt === from.createdAt && id < from.flowId);
}

function isAfterTask(task: Task, { endedAt = 0, path = "" }: Position): boolean {
  const end = endOf(task);
  return end < endedAt || (end === endedAt && task.path > path);
}

function newestFirst(a: Task, b: Task): number {
  return endOf(b) - endOf(a) || (a.path < b.path ? -1 : 1);
}

function endOf({ endedAt = 0 }: Task): number {
  return endedAt;
}

export function matches(task: Task, { action, video }: Pick<PictureQuery, "action" | "video">): boolean {
  const hasVideo = (task.result?.videos?.length ?? 0) > 0;
  if (!hasPicture(task)) return false;
  if (action !== undefined && task.action !== action.toUpperCase()) return false;
  return video === undefined || video === hasVideo;
}

function hasPicture({ status, result, copies = [] }: Task): boolean {
  if (status !== "SUCCESS") return false;
  const hasMedia = (result?.videos?.length ?? 0) > 0 || (result?.images?.length ?? 0) > 0;
  return hasMedia || result?.imageUrl !== undefined || copies.length > 0;
}

/** Pictures of a grid. A vendor may give them as one picture, so its number of links does not say how many there are. */
const GRID = 4;

/** Returns the highest number that a picture of the result can have; 0 if the task has no picture. */
export function maxPictureNumber(task: Task): number {
  if (!hasPicture(task)) return 0;
  const { images = [], videos = [] } = task.result ?? {};
  return Math.max(GRID, images.length, videos.length);
}

// ── cursor ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function encode(appId: string, { createdAt, flowId, endedAt, path }: Position): string {
  return encodeCursor(["p", appId, createdAt, flowId, endedAt, path]);
}

function decode(appId: string, cursor: string): Position {
  const [kind, owner, createdAt, flowId, endedAt, path] = decodeCursor(cursor);
  const isTime = typeof createdAt === "number" && !Number.isNaN(new Date(createdAt).getTime());
  const isValid = kind === "p" && owner === appId && isTime && typeof flowId === "string";
  if (!isValid || !isFlowId(flowId)) {
    throw foreignCursor();
  }
  return {
    createdAt,
    flowId,
    endedAt: typeof endedAt === "number" ? endedAt : undefined,
    path: typeof path === "string" ? path : undefined,
  };
}

/** The values of a cursor begin with the kind of the listing. */
export function encodeCursor(values: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(values)).toString("base64url");
}

/** Returns the values of a cursor, which an app may have made up; empty if it has none. */
export function decodeCursor(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

export function foreignCursor(): MjflowError {
  return new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
}

// ── view ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The marks of one picture of a result. */
export interface PictureMarks {
  /** Number of the picture in its result, from 1. */
  number: number;
  favorite: boolean;
  /** Ids of the folders that have it. */
  folders: string[];
}

export interface MarkedPicture extends Picture {
  /** By number. A picture without a mark is left out. */
  marks: PictureMarks[];
}

/** A result without what only its task needs: no attempts, no buttons. */
export function pictureView({ flow, task, marks }: MarkedPicture, links: Links) {
  const { parentId, press, action, provider, account, imageUrl, images, videos, copies, seed, urls } = taskView(
    task,
    links,
  );
  return {
    taskId: taskIdOf(flow.id, task.path),
    flowId: flow.id,
    parentId,
    ...{ press, action, provider, account, imageUrl, images, videos, copies, seed, urls },
    prompt: flow.prompt ?? null,
    state: flow.state ?? null,
    favorite: marks.some(({ favorite }) => favorite),
    folders: [...new Set(marks.flatMap(({ folders }) => folders))],
    marks,
    endedAt: isoOf(task.endedAt),
  };
}
