import { createMemoryStore } from "../support/memory/store.ts";
import { storeCase } from "./store.case.ts";

storeCase("memory", async () => {
  let now = () => 0;
  const store = createMemoryStore({ now: () => now() });
  return {
    open: (options) => {
      now = options.now;
      return store;
    },
    stop: async () => {},
  };
});
