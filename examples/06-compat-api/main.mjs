// A typical client of midjourney-proxy. It contains no mjflow code; only the base URL was changed.
const BASE_URL = `${process.env.MJFLOW_URL ?? "http://127.0.0.1:4600"}/mj`;
const SECRET = process.env.MJFLOW_API_KEY;

async function call(path, body) {
  const response = await fetch(`${BASE_URL}${path}`, {
    method: body ? "POST" : "GET",
    headers: { "mj-api-secret": SECRET, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return response.json();
}

async function submit(path, body) {
  const { code, description, result } = await call(`/submit/${path}`, body);
  if (code !== 1 && code !== 22) throw new Error(`${code}: ${description}`);
  return result;
}

async function finished(id) {
  for (;;) {
    const task = await call(`/task/${id}/fetch`);
    if (task.status === "SUCCESS") return task;
    if (task.status === "FAILURE") throw new Error(task.failReason);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const imagined = await finished(await submit("imagine", { prompt: "a paper boat on calm water" }));
console.log(imagined.action, imagined.progress, imagined.imageUrl);
console.log("buttons:", imagined.buttons.map(({ label, emoji }) => label || emoji).join(" "));

const u2 = imagined.buttons.find(({ label }) => label === "U2");
const upscaled = await finished(await submit("action", { taskId: imagined.id, customId: u2.customId }));
console.log(upscaled.action, upscaled.progress, upscaled.imageUrl);
