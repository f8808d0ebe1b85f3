/** What the console does in a browser: its page, and each request of its pages, by the rules of a browser. */
import { Mjflow } from "@mjflow/client";
import { browserFetch } from "../console-site.ts";
import { expect, type Session } from "../session.ts";

export async function checkConsole({ stage, operatorKey, check, until }: Session): Promise<void> {
  let page = "";
  let policy = "";

  await check("the page of the console has its headers, and all files that it names", async () => {
    const response = await fetch(stage.console.url);
    page = await response.text();
    policy = response.headers.get("content-security-policy") ?? "";
    expect(response.status === 200 && response.headers.get("content-type")?.startsWith("text/html"), "no page");
    expect(policy.includes("default-src 'none'"), `the policy is ${policy}`);
    const named = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name!);
    expect(named.length >= 3, `the page names ${named}`);
    for (const name of named) {
      const file = await fetch(`${stage.console.url}/${name}`);
      const type = file.headers.get("content-type") ?? "";
      expect(file.status === 200 && /css|javascript|svg/.test(type), `${name} got ${file.status} ${type}`);
    }
    const missing = await fetch(`${stage.console.url}/absent.js`);
    expect(missing.status === 403, `a missing file got ${missing.status}`);
  });
  await check("the page reaches only the API that it names, from its own origin", async () => {
    const apiOrigin = /name="mjflow-api" content="([^"]+)"/.exec(page)?.[1];
    expect(apiOrigin, "the page names no API");
    const places = { [apiOrigin]: stage.url("Api") };
    const from = (origin: string) =>
      new Mjflow({
        baseUrl: apiOrigin,
        apiKey: operatorKey,
        maxRetries: 0,
        fetch: browserFetch({ origin, policy, places }),
      });
    await from(stage.console.origin).flows.list().page();
    const isRefused = await from("https://other.example")
      .flows.list()
      .page()
      .then(
        () => false,
        () => true,
      );
    expect(isRefused, "a page of another origin reads flows");
  });
  await check("each read and each action of the console works in a browser", async () => {
    const apiOrigin = /name="mjflow-api" content="([^"]+)"/.exec(page)![1]!;
    const places = { [apiOrigin]: stage.url("Api") };
    const fetch = browserFetch({ origin: stage.console.origin, policy, places });
    const mjflow = new Mjflow({ baseUrl: apiOrigin, apiKey: operatorKey, maxRetries: 0, fetch });
    await mjflow.request({ path: "/openapi.json" });
    const created = await mjflow.flows.create({ provider: "simulator", prompt: "from the console" });
    const ended = await mjflow.flows.wait(created.id);
    expect(ended.status === "completed", `the flow is ${ended.status}`);
    const [root] = ended.tasks;
    await mjflow.tasks.raw(root!.id);
    const pressed = await mjflow.tasks.press(root!.id, "U1");
    await until("the pressed task", async () => (await mjflow.tasks.get(pressed.id)).status === "SUCCESS");
    const canceled = await mjflow.flows.create({ provider: "simulator", prompt: "canceled in the console" });
    await mjflow.flows.cancel(canceled.id);
    await mjflow.flows.list({ status: "running", limit: 30 }).page();
    await mjflow.deliveries.list({ limit: 100 }).page();
    for (const list of [mjflow.providers.list(), mjflow.endpoints.list(), mjflow.deadLetters.list()]) await list.page();
    await mjflow.operations.queues().page();
    await mjflow.operations.overdue();
    await mjflow.operations.unclear();
    await mjflow.request({ path: "/v1/usage" });
  });
}
