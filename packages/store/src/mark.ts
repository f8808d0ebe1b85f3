/**
 * Marks of pictures and folders in the table (`MarkStore` in core/mark.ts). A mark has one row, and the index of listings has it in the
 * partition of its list, so one write changes both. It expires with its flow.
 */
import type { Folder, Mark, MarkPosition, MarkStore, PictureRef } from "@mjflow/core/mark";
import { type Item, keyOf } from "./codec.ts";
import { entity, expiring, listed } from "./entity.ts";
import {
  ATTRIBUTE,
  folderKey,
  folderPk,
  listedAt,
  markKey,
  markListing,
  markOfKey,
  markPk,
  marksOfFlows,
  marksOfPicture,
  RETENTION_MS,
} from "./keys.ts";
import { createRows } from "./rows.ts";
import type { Table } from "./table.ts";

const FOLDER = entity<Folder, "appId" | "id">()({
  key: ({ appId, id }) => folderKey(appId, id),
  idOf: ({ pk, sk }) => ({ appId: pk.slice(folderPk("").length), id: sk }),
  fields: { name: ["na", "text"], createdAt: ["cr", "number"], updatedAt: ["up", "number"] },
});

const MARK = entity<Mark, "appId" | "flowId" | "path" | "number" | "list">()({
  key: (mark) => markKey(mark.appId, mark, mark.list),
  idOf: markOfKey,
  attributes: (mark) => ({
    ...expiring(mark.flowCreatedAt + RETENTION_MS),
    ...listed(markListing(mark.appId, mark.list), `${positionOf(mark)}${mark.number}`),
  }),
  fields: { flowCreatedAt: ["fc", "number"], endedAt: ["en", "number"] },
});

/** A mark is written once, so its revision is always the first one. */
const REVISION = 1;
/** Marks that one request reads. */
const PAGE = 1_000;

/** A mark costs two write units to add or to remove: one for the row and one for its entry in the index. */
export function createMarkStore(table: Table, { now = Date.now }: { now?: () => number } = {}): MarkStore {
  const folders = createRows({ table, now }, FOLDER);
  const marks = createRows({ table, now }, MARK);

  async function markItems(appId: string, bounds: { from: string; to: string }): Promise<Item[]> {
    const found: Item[] = [];
    for (let after: Item | undefined; ; ) {
      const page = await table.list({ partition: markPk(appId), ...bounds, limit: PAGE, ...(after && { after }) });
      found.push(...page);
      if (page.length < PAGE) return found;
      const { pk, sk } = keyOf(page.at(-1)!);
      after = { [ATTRIBUTE.pk]: { S: pk }, [ATTRIBUTE.sk]: { S: sk } };
    }
  }

  /** The index has no revisions. Every mark has the first one. */
  async function deleteAll(items: readonly Item[]): Promise<void> {
    await Promise.all(items.map((item) => table.delete(keyOf(item), REVISION)));
  }

  return {
    folders: (appId) => folders.partition(folderPk(appId)),
    folder: (appId, id) => folders.get({ appId, id }),
    saveFolder: (folder) => folders.save(folder),
    deleteFolder: (folder) => folders.delete(folder),
    async addMark(mark) {
      await marks.put({ ...mark, rev: REVISION - 1 }, undefined);
    },
    removeMark: ({ appId, list, ...picture }) => table.delete(markKey(appId, picture, list), REVISION),
    marksOfFlows: async (appId, from, to) => marks.read(await markItems(appId, marksOfFlows(from, to))),
    marksOfPicture: async (appId, picture) => marks.read(await markItems(appId, marksOfPicture(picture))),
    async listMarks(appId, list, { limit, after, since, until }) {
      // The entries of a result sort after its position. So this bound leaves them out, and all that come before them.
      const to = [after && positionOf(after), until !== undefined && `${new Date(until).toISOString()}~`];
      const items = await table.list({
        index: "app",
        partition: markListing(appId, list),
        descending: true,
        limit,
        ...(since !== undefined && { from: new Date(since).toISOString() }),
        ...(to.some(Boolean) && { to: to.filter((bound) => typeof bound === "string").sort()[0]! }),
      });
      return items.map((item) => ({ ...pictureOf(item), ...readPosition(item[ATTRIBUTE.listedAt]?.S ?? "") }));
    },
    deleteMarksOfFlow: async (appId, flowId) => deleteAll(await markItems(appId, marksOfFlows(flowId, flowId))),
    deleteMarksOfList: async (appId, list, limit) =>
      deleteAll(await table.list({ index: "app", partition: markListing(appId, list), limit })),
  };
}

function pictureOf(item: Item): PictureRef {
  const { flowId, path, number } = markOfKey(keyOf(item));
  return { flowId, path, number };
}

/** Digits of a time in epoch ms, so that times sort as text. */
const DIGITS = 15;

/** Where a result is in a list. The number of the picture follows. */
function positionOf({ flowCreatedAt, flowId, endedAt, path }: MarkPosition): string {
  return `${listedAt(flowCreatedAt, flowId)}#${String(endedAt).padStart(DIGITS, "0")}#${path}#`;
}

function readPosition(listing: string): MarkPosition {
  const [createdAt = "", flowId = "", endedAt, path = ""] = listing.split("#");
  return { flowCreatedAt: Date.parse(createdAt), flowId, endedAt: Number(endedAt), path };
}
