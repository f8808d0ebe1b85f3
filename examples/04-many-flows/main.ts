import { Mjflow } from "@mjflow/client";

const mjflow = new Mjflow();
const provider = process.env["MJFLOW_PROVIDER"] ?? "simulator";
const COUNT = Number(process.env["COUNT"] ?? 20);
const BATCH = `batch ${new Date().toISOString()}`;

const handles = await Promise.all(
  Array.from({ length: COUNT }, (_, n) =>
    mjflow.flows.create(
      { provider, prompt: `paper boat number ${n + 1}`, state: BATCH, then: [{ press: "U1" }] },
      // Repeating a request with the same key creates no second flow and costs nothing.
      { idempotencyKey: `${BATCH.replaceAll(" ", "-")}-${n}` },
    ),
  ),
);
console.log(`${handles.length} sent`);

const flows = await Promise.all(handles.map((handle) => handle.wait({ timeoutMs: 30 * 60_000 })));
const done = flows.filter(({ status }) => status === "completed");
console.log(`${done.length} completed, ${flows.reduce((sum, { counts }) => sum + counts.submissions, 0)} submissions`);

// Another process can do this days later: it finds all flows with this state.
let found = 0;
for await (const { state } of mjflow.flows.list({ limit: 100 })) if (state === BATCH) found += 1;
console.log(`${found} found again`);
