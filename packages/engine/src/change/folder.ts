/** Folders of pictures: an app creates, renames and deletes them. The pictures themselves are not changed. */
import { MjflowError } from "@mjflow/core/error";
import { type Folder, folderIdOf, isFolderId, MARK_LIMIT, type MarkStore } from "@mjflow/core/mark";
import type { EngineDeps } from "../deps.ts";
import { deleteWithRetry, startWith, updateWithRetry } from "../step/update-with-retry.ts";

type FolderDeps = Pick<EngineDeps, "clock" | "log"> & { markStore: MarkStore };

const WRITE = { code: "write_conflict", detail: "Other requests change the same folder." } as const;
/** Marks that the deletion of a folder removes. The others are shown nowhere, and expire with their flows. */
const REMOVED_MARKS = 500;

/** @throws MjflowError `not_found` */
export async function getOwnFolder(
  { markStore }: Pick<FolderDeps, "markStore">,
  appId: string,
  id: string,
): Promise<Folder> {
  const folder = isFolderId(id) ? await markStore.folder(appId, id) : undefined;
  if (!folder) throw new MjflowError("not_found");
  return folder;
}

/**
 * Creates a folder; space at both ends of the name is removed. A name that the app has already gives the existing folder, so a repeated request creates no second one.
 *
 * @throws MjflowError `limit_reached`; `write_conflict`
 */
export async function createFolder(
  deps: FolderDeps & Pick<EngineDeps, "random">,
  appId: string,
  wanted: string,
): Promise<{ folder: Folder; isNew: boolean }> {
  const name = wanted.trim();
  const all = await deps.markStore.folders(appId);
  const existing = all.find((folder) => folder.name === name);
  if (existing) return { folder: existing, isNew: false };
  if (all.length >= MARK_LIMIT.foldersPerApp) {
    throw new MjflowError("limit_reached", { detail: `An app has at most ${MARK_LIMIT.foldersPerApp} folders.` });
  }
  const now = deps.clock.now();
  const id = folderIdOf(now, deps.random.bytes(10));
  const saved = await deps.markStore.saveFolder({ appId, id, rev: 0, name, createdAt: now, updatedAt: now });
  if (!saved.ok) throw new MjflowError("write_conflict", { detail: "The id of the new folder already exists." });
  deps.log.info("folder.created", { app: appId, folder: id });
  return { folder: saved.item, isNew: true };
}

/** @throws MjflowError `not_found`; `already_exists` if another folder has the name; `write_conflict` */
export async function renameFolder(deps: FolderDeps, appId: string, id: string, wanted: string): Promise<Folder> {
  const name = wanted.trim();
  const folder = await getOwnFolder(deps, appId, id);
  const others = (await deps.markStore.folders(appId)).filter((other) => other.id !== id);
  if (others.some((other) => other.name === name)) {
    throw new MjflowError("already_exists", { detail: "The app has another folder with this name." });
  }
  const { row } = await updateWithRetry<Folder, Folder>({
    ...WRITE,
    read: startWith(folder),
    to: (found) => ({ ...found, name, updatedAt: deps.clock.now() }),
    save: (changed) => deps.markStore.saveFolder(changed),
  });
  // Another request has deleted it meanwhile.
  if (!row) throw new MjflowError("not_found");
  return row;
}

/**
 * Deletes a folder. Its pictures stay. The folder is gone first: from then on its marks are shown nowhere.
 *
 * @throws MjflowError `not_found`; `write_conflict`
 */
export async function deleteFolder(deps: FolderDeps, appId: string, id: string): Promise<void> {
  await deleteWithRetry(await getOwnFolder(deps, appId, id), {
    ...WRITE,
    remove: (folder) => deps.markStore.deleteFolder(folder),
    read: () => deps.markStore.folder(appId, id),
  });
  await deps.markStore.deleteMarksOfList(appId, id, REMOVED_MARKS);
  deps.log.info("folder.deleted", { app: appId, folder: id });
}
