/** What apps do: plans, webhooks, streams, archive, images, the compat API, credit. */
import { createHash } from "node:crypto";
import { Mjflow } from "@mjflow/client";
import { createApp, expect, type Json, type Session } from "../session.ts";

const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export async function checkFlows(session: Session): Promise<void> {
  const { stage, simulator, operatorKey, receiver, check, api, ok, start, ended, until } = session;
  let flow: Json;

  await check("the API is healthy, and refuses a request without a valid key", async () => {
    await ok("GET", "/healthz");
    const { status } = await api("GET", "/v1/flows", undefined, "mjk_wrong");
    expect(status === 401, `a wrong key got ${status}`);
  });
  await check("a webhook endpoint is created", async () => {
    await ok("POST", "/v1/endpoints", { url: receiver.url });
  });
  await check("a plan of five tasks runs on callbacks, each submitted once", async () => {
    flow = await ended(await start({ prompt: "a paper boat", then: [{ press: ["U1", "U2", "U3", "U4"] }] }));
    expect(flow.status === "completed", `the flow is ${flow.status}: ${JSON.stringify(flow.tasks).slice(0, 300)}`);
    const { submissions } = simulator.ledger();
    expect(submissions.length === 5, `${submissions.length} submissions`);
  });
  await check("a plan of three levels presses the buttons of its results", async () => {
    const plan = [{ press: ["U1"], then: [{ press: ["Zoom Out 2x"], then: [{ press: ["U2"] }] }] }];
    const deep = await ended(await start({ prompt: "three levels", then: plan }));
    expect(deep.status === "completed" && deep.tasks.length === 4, `${deep.status} with ${deep.tasks.length} tasks`);
  });
  await check(
    "the event stream of Stream sends the events of a flow to its app, from its first to its end",
    async () => {
      const { key } = await createApp(session);
      const id = await start({ prompt: "a stream", then: [{ press: ["U1"] }] }, key);
      const { eventsUrl } = await ok("GET", `/v1/flows/${id}`, undefined, key);
      expect(eventsUrl?.startsWith(stage.url("Stream")), `the stream is at ${eventsUrl}`);
      let lastId = "";
      const types: string[] = [];
      // A stream ends with its function after 30 s. A client then continues after the last event.
      await until("the end of the stream", async () => {
        const headers = { authorization: `Bearer ${key}`, ...(lastId && { "last-event-id": lastId }) };
        const response = await fetch(eventsUrl, { headers });
        if (response.status === 204) return true;
        expect(response.status === 200, `the stream got ${response.status}`);
        const text = await response.text();
        for (const [, type] of text.matchAll(/^event: ?(.+)$/gm)) types.push(type!);
        lastId = [...text.matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1] ?? lastId;
        return types.includes("flow.completed");
      });
      for (const type of ["task.completed", "flow.completed"]) expect(types.includes(type), `the stream sent ${types}`);
    },
  );
  await check("a long poll of Stream is held until the flow has ended, and one of the API gets a hint", async () => {
    const id = await start({ prompt: "a long poll" });
    const wait = { headers: { authorization: `Bearer ${operatorKey}`, prefer: "wait=20" } };
    const api = await fetch(`${stage.url("Api")}/v1/flows/${id}`, wait);
    const { nextInMs, eventsUrl } = (await api.json()) as Json;
    expect(api.headers.get("preference-applied") === "wait=0" && nextInMs > 0, `the API gave the hint ${nextInMs}`);
    await until("the end", async () => {
      // The query says where the API is, for links to images.
      const held = await fetch(eventsUrl.replace("/events?", "?"), wait);
      expect(held.status === 200, `the long poll got ${held.status}`);
      return ((await held.json()) as Json).status === "completed";
    });
  });
  await check("the subscriber gets the end of the flow, signed", async () => {
    await until("the webhook", async () => receiver.types.includes("flow.completed"));
    expect(receiver.signed, "a webhook had no signature");
    await ok("GET", `/v1/deliveries?flow=${flow.id}`);
  });
  await check("a receiver that fails gets the event again, and it can be replayed", async () => {
    const before = receiver.types.length;
    // More failures in a row would open the circuit breaker of the endpoint, for minutes.
    receiver.refusals = 1;
    const id = await start({ prompt: "a failing receiver" });
    await ended(id);
    const delivery = await until("the webhooks after the failure", async () => {
      const { data } = await ok("GET", `/v1/deliveries?flow=${id}`);
      const own = data.filter(({ endpoint }: Json) => endpoint.startsWith("ep_"));
      const isDone = own.every(({ status }: Json) => status === "delivered");
      return isDone && own.find(({ type }: Json) => type === "flow.completed");
    });
    expect(receiver.refusals === 0, "no webhook failed");
    const arrived = receiver.types.length;
    expect(arrived - before >= 2, `${arrived - before} webhooks`);
    await ok("POST", `/v1/deliveries/${delivery.id}/replay`);
    await until("the replayed webhook", async () => receiver.types.length > arrived);
  });
  await check("images are archived, and a signed link leads to the same bytes", async () => {
    const archived = await until("the archive", async () => {
      const { tasks } = await ok("GET", `/v1/flows/${flow.id}`);
      return tasks.find((task: Json) => task.copies?.length > 0 || task.images?.some((image: Json) => image.copy));
    });
    const link = /https?:[^"]*\/media\/[^"]+/.exec(JSON.stringify(archived))?.[0];
    expect(link, `no link in ${JSON.stringify(archived).slice(0, 300)}`);
    const { pathname, search } = new URL(link);
    const { status, headers } = await api("GET", `${pathname}${search}`);
    expect(status === 302, `the link got ${status}`);
    const image = await fetch(headers.get("location")!);
    const bytes = Buffer.from(await image.arrayBuffer());
    expect(image.status === 200 && bytes.length > 0, `S3 answered ${image.status}`);
    const { sha256 } = archived.copies?.[0] ?? {};
    const found = createHash("sha256").update(bytes).digest("hex");
    expect(sha256 === undefined || sha256 === found, "the bytes differ from the archived ones");
  });
  await check("tiles are cut from an archived grid, and their presses follow", async () => {
    const id = await start({ prompt: "tiles", archive: true, then: [{ press: ["tile:all"] }] });
    const tiled = await ended(id);
    const tiles = tiled.tasks.slice(1);
    const isCut = tiles.every((task: Json) => task.status === "SUCCESS");
    expect(
      tiles.length === 4 && isCut,
      `the tiles are ${tiles.map((task: Json) => task.failure?.code ?? task.status)}`,
    );
  });
  await check("images of a request reach the vendor through S3", async () => {
    const blended = await ended(await start({ action: "blend", base64Array: [PNG, PNG] }));
    expect(blended.status === "completed", `the flow is ${blended.status}`);
  });
  await check("an uploaded image reaches the vendor through S3", async () => {
    const mjflow = new Mjflow({ baseUrl: stage.url("Api"), apiKey: operatorKey });
    const { id } = await mjflow.uploads.send(Buffer.from(PNG.slice(PNG.indexOf(",") + 1), "base64"));
    const blended = await ended(await start({ action: "blend", base64Array: [id, PNG] }));
    expect(blended.status === "completed", `the flow is ${blended.status}: ${blended.tasks[0].failure?.code}`);
  });
  await check("a flow is refused whose upload never arrived in S3", async () => {
    const { id } = await ok("POST", "/v1/uploads", { contentType: "image/png", bytes: 70 });
    const answer = await api("POST", "/v1/flows", { action: "blend", base64Array: [id, PNG] });
    const { code, reason } = answer.body;
    expect(code === "image_rejected" && reason === "not_sent", `the flow got ${answer.status} ${code} ${reason}`);
  });
  await check("pictures are listed, and a deleted flow takes its images along", async () => {
    const id = await start({ action: "blend", base64Array: [PNG, PNG], archive: true });
    await ended(id);
    const [picture] = await until("the picture", async () => {
      const { data } = await ok("GET", `/v1/pictures?flow=${id}`);
      return data[0]?.copies.length > 0 && data;
    });
    await until("the deletion", async () => (await api("DELETE", `/v1/flows/${id}`)).status === 204);
    const found = await api("GET", `/v1/flows/${id}`);
    expect(found.status === 404, `the deleted flow got ${found.status}`);
    const { pathname, search } = new URL(picture.copies[0].url);
    const link = await api("GET", `${pathname}${search}`);
    const { status } = link.status === 302 ? await fetch(link.headers.get("location")!) : link;
    expect(status === 404, `the image of the deleted flow got ${status}`);
  });
  await check("the compatible API submits and fetches", async () => {
    const { result } = await ok("POST", "/mj/submit/imagine", { prompt: "a compatible boat" });
    await until("the compatible task", async () => {
      const task = await ok("GET", `/mj/task/${result}/fetch`);
      return task.status === "SUCCESS";
    });
  });
  await check("the credit of an app is held, spent at each end of a flow, and refused by its own key", async () => {
    const { app, key } = await createApp(session);
    // Submit ends a refused flow, Callback a completed one, and Archive one that ends with its tiles.
    simulator.arm({ kind: "not-success", times: 1 });
    await ended(await start({ prompt: "refused" }, key), { key });
    await ended(await start({ prompt: "paid" }, key), { key });
    await ended(await start({ prompt: "paid tiles", archive: true, then: [{ press: ["tile:1"] }] }, key), { key });
    await until("the settlement", async () => {
      const { settledUsd, reservedUsd } = await ok("GET", "/v1/usage", undefined, key);
      return settledUsd > 0 && reservedUsd === 0;
    });
    const plan = { provider: "simulator", prompt: "too much", then: [{ press: ["U1", "U2", "U3", "U4"] }] };
    await ok("PATCH", `/v1/apps/${app}`, { limits: { creditsUsd: 0.000_001 } });
    // A process knows limits for a moment, so the first flows may still start.
    await until("the refusal", async () => (await api("POST", "/v1/flows", plan, key)).status === 402);
  });
  await check("a flow is canceled, and a deleted endpoint is gone", async () => {
    const id = await start({ prompt: "canceled" });
    await api("POST", `/v1/flows/${id}/cancel`);
    const { data } = await ok("GET", "/v1/endpoints");
    await ok("DELETE", `/v1/endpoints/${data[0].id}`);
    await ended(id);
  });
  await check("the operator's reads answer", async () => {
    for (const path of ["queues", "overdue", "unclear", "providers", "usage", "apps", "flows"])
      await ok("GET", `/v1/${path}`);
  });
}
