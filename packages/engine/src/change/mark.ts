/** Marks pictures as favorites, and puts them into folders. A repeated request changes nothing more. */
import { MjflowError } from "@mjflow/core/error";
import { FAVORITE, MARK_LIMIT, type Mark, type MarkStore, type PictureRef, parsePictureId } from "@mjflow/core/mark";
import type { EngineDeps } from "../deps.ts";
import { inParallel } from "../parallel.ts";
import { maxPictureNumber } from "../read/pictures.ts";
import { getOwnFolder } from "./folder.ts";

export type MarkDeps = Pick<EngineDeps, "store"> & { markStore: MarkStore };

export interface MarkChange {
  /** True: the pictures become favorites. False: they are none any more. Unset: no change. */
  favorite?: boolean | undefined;
  /** Id of a folder that gets the pictures. */
  addToFolder?: string | undefined;
  /** Id of a folder that loses them. The pictures themselves stay. */
  removeFromFolder?: string | undefined;
}

/** Rows that are read or written at one time. */
const PARALLEL = 20;

/**
 * Changes the marks of pictures. A picture that does not exist, was deleted or belongs to another app changes nothing (D6).
 *
 * @returns the ids as they were given: those that are marked now, and those that are no pictures of the app
 * @throws MjflowError `not_found` for a folder that is not the app's; `limit_reached` before anything is written, if a picture
 *   would be in too many folders
 */
export async function markPictures(
  deps: MarkDeps,
  appId: string,
  ids: readonly string[],
  { favorite, addToFolder, removeFromFolder }: MarkChange,
): Promise<{ marked: string[]; missing: string[] }> {
  for (const folder of [addToFolder, removeFromFolder])
    if (folder !== undefined) await getOwnFolder(deps, appId, folder);
  const found = await findPictures(deps, appId, ids);
  const pictures = [...found.values()];
  if (addToFolder !== undefined) await assertRoom(deps, appId, pictures, addToFolder);
  const added = [...(favorite ? [FAVORITE] : []), ...(addToFolder === undefined ? [] : [addToFolder])];
  const removed = [
    ...(favorite === false ? [FAVORITE] : []),
    ...(removeFromFolder === undefined ? [] : [removeFromFolder]),
  ];
  await inParallel(pictures, PARALLEL, async (picture) => {
    for (const list of added) await deps.markStore.addMark({ appId, list, rev: 0, ...picture });
    for (const list of removed) await deps.markStore.removeMark({ appId, list, ...refOf(picture) });
  });
  const isFound = (id: string) => found.has(id);
  return { marked: ids.filter(isFound), missing: ids.filter((id) => !isFound(id)) };
}

/** @throws MjflowError `not_found` */
export async function setFavorite(deps: MarkDeps, appId: string, id: string, favorite: boolean): Promise<void> {
  const { missing } = await markPictures(deps, appId, [id], { favorite });
  if (missing.length > 0) throw new MjflowError("not_found");
}

type Found = PictureRef & Pick<Mark, "flowCreatedAt" | "endedAt">;

/** Finds the pictures of the app by the ids as they were given. Each flow is read once, with the tasks that are named. */
async function findPictures({ store }: MarkDeps, appId: string, ids: readonly string[]): Promise<Map<string, Found>> {
  const byFlow = Map.groupBy(
    [...new Set(ids)].flatMap((id) => ({ id, ref: parsePictureId(id) })).filter(hasRef),
    ({ ref }) => ref.flowId,
  );
  const found = new Map<string, Found>();
  await inParallel([...byFlow], PARALLEL, async ([flowId, named]) => {
    const { flow, tasks } = await store.load(flowId, [...new Set(named.map(({ ref }) => ref.path))]);
    if (!flow || flow.appId !== appId || flow.deletedAt !== undefined) return;
    const byPath = new Map(tasks.map((task) => [task.path, task]));
    for (const { id, ref } of named) {
      const task = byPath.get(ref.path);
      if (task && ref.number <= maxPictureNumber(task))
        found.set(id, { ...ref, flowCreatedAt: flow.createdAt, endedAt: task.endedAt ?? flow.createdAt });
    }
  });
  return found;
}

function hasRef(named: { id: string; ref: PictureRef | undefined }): named is { id: string; ref: PictureRef } {
  return named.ref !== undefined;
}

function refOf({ flowId, path, number }: PictureRef): PictureRef {
  return { flowId, path, number };
}

/** @throws MjflowError `limit_reached` */
async function assertRoom(
  { markStore }: MarkDeps,
  appId: string,
  pictures: readonly PictureRef[],
  folder: string,
): Promise<void> {
  await inParallel(pictures, PARALLEL, async (picture) => {
    const lists = (await markStore.marksOfPicture(appId, picture)).map(({ list }) => list);
    if (lists.includes(folder)) return;
    // Marks of a deleted folder do not count. They are few, so the folders are read only if there seem to be too many.
    const used = lists.filter((list) => list !== FAVORITE);
    if (used.length < MARK_LIMIT.foldersPerPicture) return;
    const live = new Set((await markStore.folders(appId)).map(({ id }) => id));
    if (used.filter((id) => live.has(id)).length < MARK_LIMIT.foldersPerPicture) return;
    const detail = `A picture can be in at most ${MARK_LIMIT.foldersPerPicture} folders. Nothing was changed.`;
    throw new MjflowError("limit_reached", { detail });
  });
}
