import { Mjflow, type Task } from "@mjflow/client";

const mjflow = new Mjflow();

const handle = await mjflow.flows.create({
  provider: process.env["MJFLOW_PROVIDER"] ?? "simulator",
  prompt: "a paper boat on calm water",
  progress: true,
  then: [
    { press: "U1" },
    { press: "U2", then: [{ press: "zoom:2" }] }, // on the result of U2
  ],
});
console.log(handle.id); // store it: another process can follow the flow

for await (const event of handle.events()) {
  if (event.type === "task.completed") console.log("done:", nameOf(event.data));
  if (event.type === "task.failed") console.log("failed:", nameOf(event.data), event.data.failReason);
}

const flow = await mjflow.flows.get(handle.id);
for (const task of flow.tasks) console.log(`${"  ".repeat(task.depth)}${nameOf(task)} ${task.imageUrl}`);
console.log(`${flow.status}, ${flow.counts.submissions} submissions, ${flow.counts.lookups} look-ups`);

function nameOf({ press, action }: Task): string {
  return press ?? action.toLowerCase();
}
