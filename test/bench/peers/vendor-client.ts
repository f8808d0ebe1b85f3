/** Submissions to the vendor, with Node's HTTP client, which needs half the CPU time of `fetch`. */
import { Agent, request } from "node:http";

/** Outcome of a submission to the vendor. */
export type Outcome = { kind: "accepted"; vendorTaskId: string } | { kind: "refused" } | { kind: "unclear" };

export interface VendorClient {
  imagine(prompt: string, notifyHook: string): Promise<Outcome>;
  press(taskId: string, customId: string, notifyHook: string): Promise<Outcome>;
}

const RESPONSE_TIMEOUT_MS = 30_000;

export function createVendorClient(vendorUrl: string): VendorClient {
  const agent = new Agent({ keepAlive: true });
  const { hostname: host, port } = new URL(vendorUrl);

  /** Never rejects. A request without a clear response may have been accepted and paid, so its outcome is `unclear`. */
  function submit(path: string, fields: object): Promise<Outcome> {
    const body = JSON.stringify(fields);
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      authorization: "Bearer simulated",
    };
    return new Promise((resolve) => {
      const sent = request({ agent, host, port, path, method: "POST", headers, timeout: RESPONSE_TIMEOUT_MS });
      const unclear = () => resolve({ kind: "unclear" });
      sent.on("error", unclear);
      sent.on("timeout", () => sent.destroy());
      sent.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", unclear);
        response.on("end", () => resolve(outcomeOf(text)));
      });
      sent.end(body);
    });
  }

  return {
    imagine: (prompt, notifyHook) => submit("/mj/submit/imagine", { prompt, notifyHook }),
    press: (taskId, customId, notifyHook) => submit("/mj/submit/action", { taskId, customId, notifyHook }),
  };
}

function outcomeOf(text: string): Outcome {
  try {
    const { code, result } = JSON.parse(text) as { code?: number; result?: string };
    if (code === 1 || code === 22) return { kind: "accepted", vendorTaskId: String(result) };
    return code === undefined ? { kind: "unclear" } : { kind: "refused" };
  } catch {
    return { kind: "unclear" };
  }
}
