/**
 * The favorites of an app, and the pictures of its folders: a page costs the same however many flows the app has. The list gives the
 * pictures, and each result is read with its flow and its marks.
 */
import { FAVORITE, type Mark, type MarkPosition, type MarkStore, type PictureRef } from "@mjflow/core/mark";
import { getOwnFolder } from "../change/folder.ts";
import type { EngineDeps } from "../deps.ts";
import { inParallel } from "../parallel.ts";
import {
  decodeCursor,
  encodeCursor,
  foreignCursor,
  listPictures,
  type MarkedPicture,
  matches,
  type Picture,
  type PictureMarks,
  type PictureQuery,
} from "./pictures.ts";

export type MarkReadDeps = Pick<EngineDeps, "store"> & { markStore: MarkStore };

/** Entries that are read beyond the page: more than one result can have, because a result is shown whole. */
const MORE_ENTRIES = 100;
/** Rounds of one call. It returns what it found, with a cursor for the rest. */
const ROUNDS = 4;
const PARALLEL = 20;

type Entry = PictureRef & MarkPosition;

/**
 * Lists results with their marks: all of them, the favorites, or those of a folder.
 *
 * @throws MjflowError `not_found` if the flow or the folder of the query is not the app's; `invalid_request` for a foreign cursor
 */
export async function listPicturesWithMarks(
  deps: MarkReadDeps,
  appId: string,
  query: PictureQuery,
): Promise<{ pictures: MarkedPicture[]; cursor?: string }> {
  if (query.favorite || query.folder !== undefined) return listMarked(deps, appId, query);
  const { pictures, ...rest } = await listPictures(deps, appId, query);
  return { pictures: await withMarks(deps, appId, pictures), ...rest };
}

async function listMarked(
  deps: MarkReadDeps,
  appId: string,
  query: PictureQuery,
): Promise<{ pictures: MarkedPicture[]; cursor?: string }> {
  const { folder, favorite, limit, since, until } = query;
  if (folder !== undefined) await getOwnFolder(deps, appId, folder);
  const list = folder ?? FAVORITE;
  let after = query.cursor === undefined ? undefined : decode(appId, list, query.cursor);
  const pictures: MarkedPicture[] = [];
  const atOnce = limit + MORE_ENTRIES;
  for (let round = 0; round < ROUNDS; round++) {
    const entries = await deps.markStore.listMarks(appId, list, { limit: atOnce, after, since, until });
    const isLast = entries.length < atOnce;
    const results = resultsOf(entries);
    // The last result may have more entries. It is read again, whole, in the next round.
    if (!isLast) results.pop();
    const wanted = results.slice(0, limit + 1 - pictures.length);
    const read = await readResults(deps, appId, wanted);
    for (const [i, result] of wanted.entries()) {
      const picture = read[i];
      const isMatch =
        picture !== undefined &&
        matches(picture.task, query) &&
        (query.flow === undefined || query.flow === result.flowId) &&
        picture.marks.some((marks) => isIn(marks, folder, favorite));
      if (isMatch && pictures.length === limit) return { pictures, cursor: encode(appId, list, after!) };
      if (isMatch) pictures.push(picture);
      after = {
        flowCreatedAt: result.flowCreatedAt,
        flowId: result.flowId,
        endedAt: result.endedAt,
        path: result.path,
      };
    }
    if (isLast && wanted.length === results.length) return { pictures };
  }
  return { pictures, cursor: encode(appId, list, after!) };
}

/** True if one and the same picture of the result has all wanted marks. */
function isIn({ favorite, folders }: PictureMarks, folder: string | undefined, wantsFavorite = false): boolean {
  return (folder === undefined || folders.includes(folder)) && (!wantsFavorite || favorite);
}

/** The entries of one result follow each other. Returns the first of each. */
function resultsOf(entries: readonly Entry[]): Entry[] {
  return entries.filter((entry, i) => i === 0 || !isSameResult(entry, entries[i - 1]!));
}

function isSameResult(a: Entry, b: Entry): boolean {
  return a.flowId === b.flowId && a.path === b.path;
}

/** Reads each result with its flow and its marks; undefined if it is gone. */
async function readResults(
  deps: MarkReadDeps,
  appId: string,
  results: readonly Entry[],
): Promise<(MarkedPicture | undefined)[]> {
  const byFlow = Map.groupBy(results, ({ flowId }) => flowId);
  const found = new Map<string, MarkedPicture>();
  await inParallel([...byFlow], PARALLEL, async ([flowId, ofFlow]) => {
    const [{ flow, tasks }, marks] = await Promise.all([
      deps.store.load(
        flowId,
        ofFlow.map(({ path }) => path),
      ),
      deps.markStore.marksOfFlows(appId, flowId, flowId),
    ]);
    if (!flow || flow.appId !== appId || flow.deletedAt !== undefined) return;
    const byPath = Map.groupBy(marks, ({ path }) => path);
    for (const task of tasks) {
      found.set(`${flowId} ${task.path}`, { flow, task, marks: pictureMarks(byPath.get(task.path) ?? []) });
    }
  });
  const known = await withLiveFolders(deps, appId, [...found.values()]);
  const live = new Map(known.map((picture) => [`${picture.flow.id} ${picture.task.path}`, picture]));
  return results.map(({ flowId, path }) => live.get(`${flowId} ${path}`));
}

/** Adds the marks to results that follow each other in the listing of flows: their marks are one range of rows. */
async function withMarks(deps: MarkReadDeps, appId: string, pictures: readonly Picture[]): Promise<MarkedPicture[]> {
  if (pictures.length === 0) return [];
  const flowIds = pictures.map(({ flow }) => flow.id).sort();
  const marks = await deps.markStore.marksOfFlows(appId, flowIds[0]!, flowIds.at(-1)!);
  const byResult = Map.groupBy(marks, ({ flowId, path }) => `${flowId} ${path}`);
  const marked = pictures.map((picture) => ({
    ...picture,
    marks: pictureMarks(byResult.get(`${picture.flow.id} ${picture.task.path}`) ?? []),
  }));
  return withLiveFolders(deps, appId, marked);
}

/** The deletion of a folder can leave marks. They are not shown. */
async function withLiveFolders(
  { markStore }: MarkReadDeps,
  appId: string,
  pictures: readonly MarkedPicture[],
): Promise<MarkedPicture[]> {
  if (!pictures.some(({ marks }) => marks.some(({ folders }) => folders.length > 0))) return [...pictures];
  const live = new Set((await markStore.folders(appId)).map(({ id }) => id));
  return pictures.map((picture) => ({
    ...picture,
    marks: picture.marks
      .map((marks) => ({ ...marks, folders: marks.folders.filter((id) => live.has(id)) }))
      .filter(({ favorite, folders }) => favorite || folders.length > 0),
  }));
}

/** The marks of one result by the number of the picture. */
function pictureMarks(marks: readonly Mark[]): PictureMarks[] {
  const byNumber = Map.groupBy(marks, ({ number }) => number);
  return [...byNumber]
    .sort(([a], [b]) => a - b)
    .map(([number, own]) => ({
      number,
      favorite: own.some(({ list }) => list === FAVORITE),
      folders: own.flatMap(({ list }) => (list === FAVORITE ? [] : list)),
    }));
}

// ── cursor ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function encode(appId: string, list: string, { flowCreatedAt, flowId, endedAt, path }: MarkPosition): string {
  return encodeCursor(["m", appId, list, flowCreatedAt, flowId, endedAt, path]);
}

function decode(appId: string, list: string, cursor: string): MarkPosition {
  const [kind, owner, of, flowCreatedAt, flowId, endedAt, path] = decodeCursor(cursor);
  const isTime = (value: unknown): value is number => Number.isFinite(value) && isDate(value as number);
  const isOwn = kind === "m" && owner === appId && of === list;
  if (!isOwn || !isTime(flowCreatedAt) || !isTime(endedAt) || typeof flowId !== "string" || typeof path !== "string") {
    throw foreignCursor();
  }
  return { flowCreatedAt, flowId, endedAt, path };
}

function isDate(ms: number): boolean {
  return !Number.isNaN(new Date(ms).getTime());
}
