import { Mjflow } from "@mjflow/client";

const mjflow = new Mjflow();
const provider = process.env["MJFLOW_PROVIDER"] ?? "simulator";

// Two buttons always open a modal: zoom:custom needs a prompt, vary:region also a mask. The plan contains the modal
// answer.
const flow = await mjflow.flows
  .create({
    provider,
    prompt: "a paper boat on calm water",
    then: [{ press: "U1", then: [{ press: "zoom:custom", prompt: "a paper boat in a harbour --zoom 1.6" }] }],
  })
  .wait({ timeoutMs: 10 * 60_000 });
console.log("answered by the plan:", flow.tasks.at(-1)?.status);

// Without a modal answer in the plan, the task waits with status MODAL until the app submits one.
const pressed = await mjflow.tasks.press(flow.tasks[1]!.id, "zoom:custom");
for await (const event of mjflow.flows.events(flow.id)) {
  if (event.type === "task.modal" && event.data.id === pressed.id) {
    console.log("waiting:", event.data.status);
    await mjflow.tasks.modal(pressed.id, { prompt: "a paper boat at sea --zoom 1.8" });
  }
}

const task = await mjflow.tasks.get(pressed.id);
console.log("answered by the app:", task.status, task.finalPrompt);
