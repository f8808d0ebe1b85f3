/**
 * Sends callbacks: one attempt, no signature, and the response has no effect (docs/protocol.md 5.1). The number of parallel
 * requests is limited, like the pool of a real vendor. It sends to any address without a check, so use it only on your own
 * machine.
 */
import http from "node:http";
import https from "node:https";

export interface PostResult {
  outcome: "delivered" | "refused" | "unreachable";
  httpStatus: number | null;
}

export interface Poster {
  post(url: string, body: string, contentType: string): Promise<PostResult>;
  stop(): void;
}

export function createPoster({ parallel = 32, timeoutMs = 10_000 } = {}): Poster {
  const stopped = new AbortController();
  const agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: parallel }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: parallel }),
  };
  const waiting: (() => void)[] = [];
  let running = 0;

  async function slot(): Promise<void> {
    if (running >= parallel) await new Promise<void>((free) => waiting.push(free));
    running++;
  }

  function release(): void {
    running--;
    waiting.shift()?.();
  }

  function send(url: URL, body: string, contentType: string): Promise<PostResult> {
    return new Promise((resolve) => {
      const unreachable = () => resolve({ outcome: "unreachable", httpStatus: null });
      const secure = url.protocol === "https:";
      const request = (secure ? https : http).request(url, {
        method: "POST",
        agent: secure ? agents["https:"] : agents["http:"],
        headers: { "content-type": contentType, "content-length": Buffer.byteLength(body) },
        signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(timeoutMs)]),
      });
      request.once("error", unreachable);
      request.once("response", (response) => {
        const httpStatus = response.statusCode ?? 0;
        // Redirects are not followed. A real vendor only logs a status outside 2xx.
        const outcome = httpStatus >= 200 && httpStatus < 300 ? "delivered" : "refused";
        response.once("error", unreachable);
        response.once("end", () => resolve({ outcome, httpStatus }));
        response.resume();
      });
      request.end(body);
    });
  }

  return {
    async post(url, body, contentType) {
      const target = URL.parse(url);
      if (stopped.signal.aborted || !target || !(target.protocol in agents)) {
        return { outcome: "unreachable", httpStatus: null };
      }
      await slot();
      try {
        return await send(target, body, contentType);
      } catch {
        return { outcome: "unreachable", httpStatus: null };
      } finally {
        release();
      }
    },
    stop() {
      stopped.abort();
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}
