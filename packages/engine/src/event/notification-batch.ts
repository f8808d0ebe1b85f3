/**
 * Sends the notifications of one invocation together: one message for each flow instead of one for each event. A message costs
 * three requests to SQS, an invocation and a write of the delivery log.
 *
 * State first, message second (Q3) stays true: a notification is held back only after its row was saved. After a crash the
 * due time of the flow or the task stands for it, as for any lost message.
 */
import { isNamedNotification, type OutgoingMessage, togetherByFlow } from "@mjflow/core/message";
import type { EngineDeps } from "../deps.ts";

type BatchDeps = Pick<EngineDeps, "store" | "clock" | "timings" | "fanOut" | "holdsNotifications"> & {
  queue: Pick<EngineDeps["queue"], "send">;
};

/**
 * Time after which notifications that were held back are sent although the invocation goes on, ms. The presses of one image are
 * accepted within about this time of each other; a vendor that hangs delays no notification of the others for longer.
 */
const HOLD_MS = 2_000;

interface NotificationBatch<T> {
  /** The dependencies with a queue that holds notifications back. */
  deps: T;
  /**
   * Sends what was held back. Each batch must be sent at the end of its invocation.
   * @throws if the queue rejects a message, now or earlier. The flows are then due soon.
   */
  send(): Promise<void>;
}

/** @param wait resolves after a time; unset: the notifications are held back until `send` */
export function holdNotifications<T extends BatchDeps>(
  deps: T,
  wait?: (ms: number) => Promise<void>,
): NotificationBatch<T> {
  // An outer batch holds them back already, or a running version needs a message for each event.
  if (deps.holdsNotifications || deps.fanOut === "each") return { deps, async send() {} };
  let held: OutgoingMessage[] = [];
  let failure: { error: unknown } | undefined;
  let sending = Promise.resolve();

  async function sendHeld(): Promise<void> {
    const messages = togetherByFlow(held);
    held = [];
    if (messages.length === 0) return;
    try {
      await deps.queue.send(messages);
    } catch (error) {
      failure ??= { error };
      const flowIds = new Set(messages.flatMap(({ message }) => ("flowId" in message ? message.flowId : [])));
      for (const flowId of flowIds) await hastenFlow(deps, flowId).catch(() => {});
    }
  }

  /** The end of the batch waits for a send that is under way. */
  const sendInOrder = () => (sending = sending.then(sendHeld));

  const queue = Object.assign(Object.create(deps.queue), {
    async send(messages: readonly OutgoingMessage[]) {
      const notifications = messages.filter(isNamedNotification);
      const others = messages.filter((message) => !isNamedNotification(message));
      if (wait && held.length === 0 && notifications.length > 0) void wait(HOLD_MS).then(sendInOrder);
      held.push(...notifications);
      if (others.length > 0) await deps.queue.send(others);
    },
  }) as T["queue"];
  return {
    deps: { ...deps, queue, holdsNotifications: true },
    async send() {
      await sendInOrder();
      if (failure) throw failure.error;
    },
  };
}

/** With a delivery log the flow's due time stands for a notification, and it can be minutes ahead. */
export async function hastenFlow(
  { store, clock, timings }: Pick<EngineDeps, "store" | "clock" | "timings">,
  flowId: string,
): Promise<void> {
  const { flow } = await store.load(flowId, []);
  const due = clock.now() + timings.effectsMs;
  // A write conflict is ignored: the flow's earlier due time stays.
  if (flow?.due !== undefined && flow.due > due) await store.saveFlow({ ...flow, due });
}
