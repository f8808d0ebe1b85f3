/** Marks of pictures: favorites, and the folders of an app. A mark belongs to one picture of a result, not to the whole grid. */
import { parseTaskId, taskIdOf, ulidOf } from "./id.ts";
import type { Saved } from "./port.ts";

/** A named list of pictures of one app. A picture can be in several folders. */
export interface Folder {
  appId: string;
  id: string;
  /** Revision for the optimistic lock. The store increments it at each write. */
  rev: number;
  name: string;
  /** Times are epoch ms. */
  createdAt: number;
  updatedAt: number;
}

export const MARK_LIMIT = {
  foldersPerApp: 100,
  nameLength: 60,
  foldersPerPicture: 10,
  picturesPerRequest: 100,
} as const;

/** A picture of a result. */
export interface PictureRef {
  flowId: string;
  path: string;
  /** Number of the picture in its result, from 1. */
  number: number;
}

/** The list of the favorites of an app. No folder has this id. */
export const FAVORITE = "favorite";

/** Says that a picture is in a list. It is written once and never changed. */
export interface Mark extends PictureRef {
  appId: string;
  /** `FAVORITE`, or the id of a folder. */
  list: string;
  rev: number;
  /** When the flow was created, epoch ms: the order of the list, and the start of the retention. */
  flowCreatedAt: number;
  /** When the task ended, epoch ms: the order within the flow. */
  endedAt: number;
}

/** Where a result is in a list of marks. Later positions come first. */
export type MarkPosition = Pick<Mark, "flowCreatedAt" | "flowId" | "endedAt" | "path">;

export interface MarkRange {
  limit: number;
  /** The list continues with the result after this one. Unset: it begins with the newest. */
  after?: MarkPosition | undefined;
  /** Bounds of the creation time of the flows, epoch ms, both included. */
  since?: number | undefined;
  until?: number | undefined;
}

/** Rows of marks and folders. Each mark has one row, which is also its entry in the list. */
export interface MarkStore {
  /** Lists the folders of an app, the oldest first, strongly consistent. */
  folders(appId: string): Promise<Folder[]>;
  folder(appId: string, id: string): Promise<Folder | undefined>;
  /** Writes the folder; revision 0 creates it if none is stored. */
  saveFolder(folder: Folder): Promise<Saved<Folder>>;
  /** Deletes the folder if it still has its revision. Its marks stay. */
  deleteFolder(folder: Folder): Promise<void>;
  /** Adds a mark. A mark that exists stays as it is. */
  addMark(mark: Mark): Promise<void>;
  /** Removes a mark. A mark that does not exist is no error. */
  removeMark(mark: PictureRef & Pick<Mark, "appId" | "list">): Promise<void>;
  /** Reads all marks of the flows between two flows, both included, strongly consistent. */
  marksOfFlows(appId: string, from: string, to: string): Promise<Mark[]>;
  /** Reads the marks of one picture, strongly consistent. */
  marksOfPicture(appId: string, picture: PictureRef): Promise<Mark[]>;
  /** Lists the pictures of a list, the newest flow first, and in it the newest result. Eventually consistent. */
  listMarks(appId: string, list: string, range: MarkRange): Promise<(PictureRef & MarkPosition)[]>;
  /** Deletes the marks of a flow. */
  deleteMarksOfFlow(appId: string, flowId: string): Promise<void>;
  /** Deletes at most `limit` marks of a list. */
  deleteMarksOfList(appId: string, list: string, limit: number): Promise<void>;
}

const FOLDER_ID = /^folder_[0-9A-HJKMNP-TV-Z]{26}$/;

/** @param random 10 bytes */
export function folderIdOf(timeMs: number, random: Uint8Array): string {
  return `folder_${ulidOf(timeMs, random)}`;
}

export function isFolderId(text: string): boolean {
  return FOLDER_ID.test(text);
}

/** The id of a picture: `task_….2` is the second picture of a result. */
export function pictureIdOf({ flowId, path, number }: PictureRef): string {
  return `${taskIdOf(flowId, path)}.${number}`;
}

/** Reads the id of a picture. A task id alone means its first picture. Undefined if it is no such id. */
export function parsePictureId(id: string): PictureRef | undefined {
  const [, taskId = "", number = "1"] = /^([^.]+)(?:\.([1-9]\d?))?$/.exec(id) ?? [];
  const task = parseTaskId(taskId);
  return task && { ...task, number: Number(number) };
}
