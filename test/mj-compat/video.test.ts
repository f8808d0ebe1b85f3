/** Videos and edits through the compat API, with each simulated vendor that has them behind it. */
import { afterEach, describe, expect, test } from "vitest";
import { type Simulated, startSimulated } from "../support/simulated.ts";
import { acceptSubmit, acceptTask } from "./accept.ts";
import { createClient } from "./client.ts";

const LINK = "https://x.test/a.png";
const MINUTE = 60_000;

let stack: Simulated | undefined;
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
});

async function start(provider: "cometapi" | "trueai" | "newapi" | "simulator") {
  stack = await startSimulated(provider);
  const client = createClient({ defaultProvider: provider }, stack.harness);
  async function ended(path: string, body: object) {
    const id = acceptSubmit(await client.post(path, body), 1);
    await stack!.pass(3 * MINUTE, 10_000);
    const task = await client.fetchTask(id);
    acceptTask(task, id);
    expect(task.status, task.failReason).toBe("SUCCESS");
    return task;
  }
  return { client, ended };
}

describe.each(["cometapi", "trueai", "newapi", "simulator"] as const)("with %s as the vendor", (provider) => {
  test("a video has its films in videoUrl and videoUrls, and an extension names one of them", async () => {
    const { ended } = await start(provider);
    const film = await ended("/mj/submit/video", { image: LINK, motion: "high", prompt: "slow drift" });
    expect(film).toMatchObject({ action: "VIDEO", prompt: "slow drift" });
    expect(film.videoUrl).toMatch(/\.mp4$/);
    expect(film.videoUrls[0].url).toBe(film.videoUrl);
    const extended = await ended("/mj/submit/video", { action: "extend", taskId: film.id, index: 0, motion: "low" });
    expect(extended.action).toBe("VIDEO");
    const { submissions } = stack!.simulator.ledger();
    expect(submissions.map(({ verb }) => verb)).toEqual(["video", "video"]);
  });

  test("an extension that its client sends again within ten seconds is made once", async () => {
    const { client, ended } = await start(provider);
    const film = await ended("/mj/submit/video", { image: LINK, motion: "high", prompt: "slow drift" });
    const extension = { action: "extend", taskId: film.id, index: 0, motion: "low" };
    const ids = [await client.post("/mj/submit/video", extension), await client.post("/mj/submit/video", extension)];
    expect(new Set(ids.map((answer) => acceptSubmit(answer, 1))).size).toBe(1);
    await stack!.pass(MINUTE, 10_000);
    expect(stack!.simulator.ledger().counts.tasks).toBe(2);
  });

  test("an edit is a grid whose images can be upscaled", async () => {
    const { ended } = await start(provider);
    const edited = await ended("/mj/submit/edits", { image: LINK, prompt: "in snow" });
    const { customId } = edited.buttons.find(({ label }: { label: string }) => label === "U3");
    expect(await ended("/mj/submit/action", { taskId: edited.id, customId })).toMatchObject({ action: "UPSCALE" });
  });
});

test("an extension of an image gets code 4 with the buttons of the image", async () => {
  const { client, ended } = await start("trueai");
  const grid = await ended("/mj/submit/imagine", { prompt: "a boat" });
  const { body } = await client.post("/mj/submit/video", { action: "extend", taskId: grid.id, index: 1 });
  expect(body).toMatchObject({ code: 4, result: null });
  expect(body.description).toContain("U1");
});

test("what the vendor lacks gets code 4, and no task id is used", async () => {
  const { client } = await start("cometapi");
  const loop = await client.post("/mj/submit/video", { image: LINK, loop: true });
  expect(loop.body).toMatchObject({
    code: 4,
    description: expect.stringContaining("loop: cometapi has no such field"),
  });
  const retexture = await client.post("/mj/submit/retexture", { image: LINK, prompt: "x" });
  expect(retexture.body).toMatchObject({ code: 4, description: expect.stringContaining("Vendors that can: trueai") });
  expect(stack!.simulator.ledger().counts.tasks).toBe(0);
});
