/** Calls an observer for each task and flow that a store has written. */
import type { Flow } from "@mjflow/core/flow";
import type { Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";

export interface WriteObserver {
  task(task: Task): void;
  flow?(flow: Flow): void;
}

export function observeStore(store: Store, observer: WriteObserver): Store {
  return {
    ...store,
    async createFlow(flow, root) {
      const created = await store.createFlow(flow, root);
      if (created === "created") {
        observer.flow?.(flow);
        observer.task(root);
      }
      return created;
    },
    async saveFlow(flow) {
      const saved = await store.saveFlow(flow);
      if (saved.ok) observer.flow?.(saved.item);
      return saved;
    },
    async createTask(task) {
      const saved = await store.createTask(task);
      if (saved.ok) observer.task(saved.item);
      return saved;
    },
    async saveTask(task) {
      const saved = await store.saveTask(task);
      if (saved.ok) observer.task(saved.item);
      return saved;
    },
  };
}
