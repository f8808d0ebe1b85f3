/** A vendor that is busy for two hours, and an account with few concurrent executions. */
import { expect, type Json, pause, type Session } from "../session.ts";

/** Two hours of a busy vendor, 120 times as fast. Waiting times are as much shorter; pauses between attempts are not. */
const FASTER = 120;
const BUSY_MS = (2 * 3_600_000) / FASTER;
const MINUTE_MS = 60_000 / FASTER;

/** Timings of the functions: those of the local server, and the waiting times of `TIMINGS`, 120 times as fast. */
export const REHEARSAL_TIMINGS = {
  base: "local",
  pendingMs: { turbo: 30 * MINUTE_MS, fast: 60 * MINUTE_MS, relax: 360 * MINUTE_MS, video: 60 * MINUTE_MS },
};
/** Invocations of one function in one chain of messages; Lambda drops the 17th. */
const CHAIN_MAX = 8;
const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** How flows of each mode end after two busy hours: only relax waits for six. */
const MODES: { name: string; request: object; end: string }[] = [
  { name: "turbo", request: { mode: "turbo" }, end: "failed vendor_busy" },
  { name: "fast", request: { mode: "fast" }, end: "failed vendor_busy" },
  { name: "without a mode", request: {}, end: "failed vendor_busy" },
  { name: "video", request: { action: "video", image: PNG, motion: "low" }, end: "failed vendor_busy" },
  { name: "relax", request: { mode: "relax" }, end: "completed" },
  { name: "relax with a plan", request: { mode: "relax", then: [{ press: ["U1"] }] }, end: "completed" },
];

export async function checkBusyVendor(session: Session): Promise<void> {
  const { stage, simulator, check, start, ended } = session;
  const hops = () => [...stage.pools].map(([name, { maxHops }]) => [name, maxHops] as const);

  await check("a vendor is busy for two hours: relax is done after it, every other mode expires", async () => {
    simulator.arm({ kind: "queue-full", times: 1_000_000 });
    const ids = await Promise.all(MODES.map(({ name, request }) => start({ prompt: `busy, ${name}`, ...request })));
    await pause(BUSY_MS);
    simulator.disarm();
    const wrong: string[] = [];
    for (const [i, { name, end }] of MODES.entries()) {
      const { status, tasks } = await ended(ids[i]!);
      const found = `${status} ${tasks[0].failure?.code ?? ""}`.trim();
      if (found !== end) wrong.push(`${name}: ${found}`);
    }
    expect(wrong.length === 0, wrong.join(", "));
  });
  await check(`no function runs more than ${CHAIN_MAX} times in one chain of messages`, async () => {
    const long = hops().filter(([, count]) => count > CHAIN_MAX);
    expect(long.length === 0, long.map(([name, count]) => `${name} ${count}`).join(", "));
    // The busy vendor makes Submit send to its own queue. Without such a chain the header does not arrive here.
    const submit = stage.pools.get("Submit")!.maxHops;
    expect(submit > 2, `Submit ran ${submit} times in one chain, so the SDK did not send the lineage`);
  });
}

/** Flows of a trial at one time. */
const AT_ONCE = 4;

export async function checkSmallAccount(session: Session): Promise<void> {
  const { stage, simulator, operatorKey, check, start, ended, ok } = session;
  const { limit } = stage.concurrency;
  // A throttled callback is found by the sweeper, so it costs time and no task. The number is printed, because it depends on
  // how long a function takes on this machine.
  await check(
    `with ${limit} concurrent executions ${AT_ONCE} plans at one time and two open streams are done, each task submitted once`,
    async () => {
      const before = simulator.ledger().submissions.length;
      const plan = { prompt: "a small account", mode: "relax", then: [{ press: ["U1", "U2"] }] };
      const ids = await Promise.all(Array.from({ length: AT_ONCE }, () => start(plan)));
      const streams = await Promise.all(
        ids.slice(0, 2).map(async (id) => {
          const { eventsUrl } = await ok("GET", `/v1/flows/${id}`);
          return fetch(eventsUrl, { headers: { authorization: `Bearer ${operatorKey}` } });
        }),
      );
      const flows: Json[] = [];
      for (const id of ids) flows.push(await ended(id));
      for (const stream of streams) await stream.body?.cancel();
      const ends = flows.map(({ status }) => status);
      expect(
        ends.every((status) => status === "completed"),
        `the flows are ${ends}`,
      );
      const submissions = simulator.ledger().submissions.length - before;
      expect(submissions === 3 * AT_ONCE, `${submissions} submissions for ${3 * AT_ONCE} tasks`);
    },
  );
}
