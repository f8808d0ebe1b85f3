/** The sweeper, dying: what it cannot get past must not keep it from everything else. */
import type { Store } from "@mjflow/core/port";
import { sweep } from "@mjflow/engine/sweep";
import { expect, test } from "vitest";
import { createRng } from "../sim/random.ts";
import { createWorld } from "../support/world.ts";

/** One process's store: reading this flow is its end, and nothing it had begun comes to anything any more. */
function mortal(store: Store, flowId: string) {
  const never = new Promise<never>(() => {});
  const end = Promise.withResolvers<void>();
  let isDead = false;
  const port = new Proxy(store, {
    get(target, verb: keyof Store) {
      return async (...args: unknown[]) => {
        if (args[0] === flowId) {
          isDead = true;
          end.resolve();
        }
        if (isDead) return never;
        const result: unknown = await (target[verb] as (...args: unknown[]) => Promise<unknown>)(...args);
        return isDead ? never : result;
      };
    },
  });
  return { store: port, dead: end.promise };
}

test.each([2, 5, 40])(
  "one flow of %i that kills each sweeper is left, and every other is dealt with",
  async (count) => {
    const world = createWorld();
    const flows = [];
    for (let i = 0; i < count; i++) flows.push(await world.start());
    const [poison, ...others] = flows;
    world.advance(world.deps.timings.quietMs.fast);
    const isLeft = async (id: string) => (await world.deps.store.getTask({ flowId: id, path: "0" }))!.rev === 1;
    const rng = createRng(20261121);
    const random = { ...world.deps.random, chance: () => rng.next() };
    let sweepers = 0;
    for (let left = others; left.length > 0; sweepers++) {
      expect(sweepers, `${left.length} of ${others.length} never had their turn`).toBeLessThan(60);
      const { store, dead } = mortal(world.deps.store, poison!.id);
      await Promise.race([sweep({ ...world.deps, store, random }), dead]);
      const still = await Promise.all(left.map(({ id }) => isLeft(id)));
      left = left.filter((_, i) => still[i]);
    }
    expect(await isLeft(poison!.id)).toBe(true);
  },
);
