/** The results of a shared flow in the order of its tree, each with the way to it. Pure. */
import type { SharedFlow, SharedPicture, SharedTask } from "@mjflow/client";
import { nameOfTask } from "./press.ts";

export interface SharedResult {
  task: SharedTask;
  /** Names of the presses that lead to the result, with its own as the last. */
  way: readonly string[];
}

/** A picture that can be opened. */
export interface SharedShot extends SharedPicture {
  /** Position of the task and number of the picture: `0-2.1`. */
  id: string;
  label: string;
}

/** Parents come before their children, and the children of a task stay together. */
export function resultsOf({ tasks }: Pick<SharedFlow, "tasks">): SharedResult[] {
  const below = (parentId: string | null, way: readonly string[]): SharedResult[] =>
    tasks
      .filter((task) => task.parentId === parentId)
      .flatMap((task) => {
        const own = [...way, nameOfTask(task)];
        return [{ task, way: own }, ...below(task.id, own)];
      });
  const found = below(null, []);
  // A task whose parent is not shown is still shown.
  const ids = new Set(found.map(({ task }) => task.id));
  return [...found, ...tasks.filter(({ id }) => !ids.has(id)).map((task) => ({ task, way: [nameOfTask(task)] }))];
}

export function shotsOfResult({ task, way }: SharedResult): SharedShot[] {
  const name = way.join(" › ");
  return task.pictures.map((picture, i, all) => ({
    ...picture,
    id: `${task.id}.${i + 1}`,
    label: all.length > 1 ? `${name} ${i + 1}` : name,
  }));
}
