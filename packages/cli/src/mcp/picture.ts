/** Loads pictures, so that a model can see them. Their URLs come from vendors, so only public addresses are called. */
import { isLoopbackUrl } from "@mjflow/core/loopback";
import { createOutbound } from "@mjflow/webhooks/outbound";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";

type ImageContent = Extract<CallToolResult["content"][number], { type: "image" }>;

/** Largest picture. Clients refuse results of more than a few MB. */
const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 20_000;
const TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);

/** @param serverUrl a local server has its pictures on this machine */
export function createPictureLoader(serverUrl: string): (url: string) => Promise<ImageContent | string> {
  const outbound = createOutbound({ allow: isLoopbackUrl(serverUrl) ? ["127.0.0.1:*", "localhost:*"] : [] });

  /** Returns the picture, or why it cannot be shown. */
  return async (url) => {
    try {
      const { status, contentType = "", body } = await outbound.get(url, { timeoutMs: TIMEOUT_MS });
      const mimeType = contentType.split(";")[0]!.trim().toLowerCase();
      if (status !== 200 || !TYPES.has(mimeType)) return `no image: HTTP ${status}`;
      const pieces: Uint8Array[] = [];
      let size = 0;
      for await (const piece of body) {
        size += piece.length;
        if (size > MAX_BYTES) return "too large to show";
        pieces.push(piece);
      }
      return { type: "image", mimeType, data: Buffer.concat(pieces).toString("base64") };
    } catch (error) {
      return `cannot be loaded: ${(error as Error).message}`;
    }
  };
}
