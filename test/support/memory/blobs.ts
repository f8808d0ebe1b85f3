/** Input images in memory, for tests and the simulation. */
import type { Inputs } from "@mjflow/core/flow";
import type { Blobs } from "@mjflow/core/port";

export function createMemoryBlobs(): Blobs {
  const objects = new Map<string, string>();
  return {
    async putInputs(ref, inputs) {
      objects.set(ref, JSON.stringify(inputs));
    },
    async getInputs(ref) {
      const json = objects.get(ref);
      return json === undefined ? undefined : (JSON.parse(json) as Inputs);
    },
  };
}
