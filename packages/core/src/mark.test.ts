import { expect, test } from "vitest";
import { folderIdOf, isFolderId, parsePictureId, pictureIdOf } from "./mark.ts";

const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

test("a picture id is read back, and a task id alone means the first picture", () => {
  const picture = { flowId: FLOW, path: "0-2-mX7", number: 12 };
  expect(pictureIdOf(picture)).toBe("task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2-mX7.12");
  expect(parsePictureId(pictureIdOf(picture))).toEqual(picture);
  expect(parsePictureId("task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0")).toEqual({ flowId: FLOW, path: "0", number: 1 });
});

test.each([
  "",
  FLOW,
  "task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0.0",
  "task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0.",
  "task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0.123",
  "task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0.1.1",
  "task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0#favorite.1",
])("%j is no picture id", (id) => {
  expect(parsePictureId(id)).toBeUndefined();
});

test("a folder id is known by its form", () => {
  expect(isFolderId(folderIdOf(1_763_700_000_123, new Uint8Array(10).fill(7)))).toBe(true);
  for (const id of ["favorite", "folder_1", "folder_01K9ZC7T3R8M2V5X0Q4B6N1JHD#x"]) expect(isFolderId(id)).toBe(false);
});
