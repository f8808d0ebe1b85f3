/** The opaque cursor of a listing: where the last page ended, and whose listing it was. */
import { MjflowError } from "@mjflow/core/error";
import { flowIdOfListed } from "./keys.ts";

export function encodeCursor(appId: string, listed: string): string {
  return Buffer.from(JSON.stringify([appId, listed])).toString("base64url");
}

/**
 * @returns the sort key of the last flow shown
 * @throws MjflowError invalid_request when the cursor is broken or from another app's listing
 */
export function decodeCursor(appId: string, cursor: string): string {
  const [owner, listed] = parts(cursor);
  if (owner !== appId || typeof listed !== "string" || !flowIdOfListed(listed)) {
    throw new MjflowError("invalid_request", { field: "cursor", detail: "This is not a cursor of this listing." });
  }
  return listed;
}

function parts(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
