import { Mjflow } from "@mjflow/client";

const mjflow = new Mjflow(); // MJFLOW_URL and MJFLOW_API_KEY; default: the local server

const flow = await mjflow.flows
  .create({ provider: process.env["MJFLOW_PROVIDER"] ?? "simulator", prompt: "a paper boat on calm water" })
  .wait({ timeoutMs: 10 * 60_000 });

const [task] = flow.tasks;
console.log(flow.status, task?.imageUrl ?? task?.failReason);
