/**
 * Clients of the compat API that press a button of a finished task and send the request again. A press without
 * Idempotency-Key is repeated within nine seconds, also while the first request is on its way. A press with a key is repeated
 * until it has a response.
 */
import type { Flow } from "@mjflow/core/flow";
import { ROOT_PATH, taskIdOf } from "@mjflow/core/id";
import { runOnce } from "@mjflow/engine/idempotency";
import { findMjPress, type MjPressResult, pressMjButton } from "@mjflow/engine/mj-compat";
import type { MjCompatDeps } from "@mjflow/engine/mj-read";
import { newSegment, type PressDeps } from "@mjflow/engine/press";
import type { Rng } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

type Deps = PressDeps & MjCompatDeps;
type StartProcess = (
  press: (deps: Deps) => Promise<MjPressResult>,
  end: (result: MjPressResult | undefined) => void,
) => void;

/** One press that a person wanted once. */
export interface MjPress {
  flowId: string;
  /** `state` of the request; every press has its own. */
  state: string;
  keyed: boolean;
  requests: number;
  /** Compat task ids in the responses. */
  results: Set<string>;
}

/** Time within which a client without key repeats its request. It is shorter than the time of MC2. */
const REPEAT_MS = 9_000;
const KEYED_TRIES = 8;

export function createMjClient(rng: Rng, scheduler: Scheduler, start: StartProcess) {
  const presses: MjPress[] = [];

  /** Sends one request. Its arrival is the time at which the process starts. */
  function send(press: MjPress, appId: string, onEnd: (answered: boolean) => void): void {
    press.requests++;
    const arrivedAt = scheduler.now();
    const taskId = taskIdOf(press.flowId, ROOT_PATH);
    const request = { press: "V4" };
    const own = { state: press.state };
    const run = (deps: Deps, segment?: string) =>
      pressMjButton(deps, appId, taskId, request, own, { arrivedAt, segment });
    start(
      async (deps) => {
        if (!press.keyed) return run(deps);
        const keyed = { appId, key: press.state, route: "POST /mj/submit/action", request: { taskId, request, own } };
        const { value } = await runOnce(deps, keyed, {
          choose: () => newSegment(deps),
          run: ({ target }) => run(deps, target),
          show: (segment) => findMjPress(deps, appId, taskId, segment),
        });
        return value;
      },
      (result) => {
        if (result) press.results.add(result.pointer.id);
        onEnd(result !== undefined);
      },
    );
  }

  function sendUntilAnswered(press: MjPress, appId: string, tries: number): void {
    send(press, appId, (answered) => {
      const goesOn = tries > 1 && (!answered || rng.chance(0.5));
      if (goesOn) scheduler.at(rng.int(1, 300_000), () => sendUntilAnswered(press, appId, tries - 1));
    });
  }

  return {
    rng,
    presses,
    /** A client presses a button of the flow's first image after some time, if the image exists by then. */
    pressLater({ id, appId }: Pick<Flow, "id" | "appId">): void {
      const press: MjPress = {
        ...{ flowId: id, state: `mj ${presses.length}`, keyed: rng.chance(0.5) },
        ...{ requests: 0, results: new Set<string>() },
      };
      presses.push(press);
      scheduler.at(rng.int(60_000, 900_000), () => {
        if (press.keyed) return sendUntilAnswered(press, appId, KEYED_TRIES);
        const times = [0, ...Array.from({ length: rng.int(1, 4) }, () => rng.int(0, REPEAT_MS))];
        for (const afterMs of times) scheduler.at(afterMs, () => send(press, appId, () => {}));
      });
    },
  };
}
