/** The opaque cursor of a flow listing. It contains the app id and the position at which the last page ended. */
import { MjflowError } from "@mjflow/core/error";
import { flowIdOfListed } from "./keys.ts";

export function encodeCursor(appId: string, listed: string): string {
  return Buffer.from(JSON.stringify([appId, listed])).toString("base64url");
}

/**
 * @returns the sort key of the last flow on the previous page
 * @throws MjflowError `invalid_request` if the cursor is broken or belongs to the listing of another app
 */
export function decodeCursor(appId: string, cursor: string): string {
  const [owner, listed] = parts(cursor);
  if (owner !== appId || typeof listed !== "string" || !flowIdOfListed(listed)) {
    throw new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
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
