/** The rows of access tokens: sessions and sign-in links (session.ts), and share links (share.ts). A row has only a hash of its secret. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { AccessToken } from "@mjflow/core/access-token";
import type { EngineDeps } from "../deps.ts";
import { deleteWithRetry } from "../step/update-with-retry.ts";

/** SHA-256 of a text, hexadecimal. */
export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Compares two hashes in hexadecimal, in a time that does not depend on where they differ. */
export function isSameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}

/**
 * Deletes the row of a token, also if it is written at the same time.
 *
 * @param what how the error message names the token
 * @throws MjflowError `write_conflict`
 */
export async function removeAccessToken(
  { store }: Pick<EngineDeps, "store">,
  token: AccessToken,
  what: string,
): Promise<void> {
  await deleteWithRetry(token, {
    remove: (found) => store.deleteAccessToken(found),
    read: () => store.accessToken(token.owner, token.id),
    code: "write_conflict",
    detail: `Other requests change the same ${what}.`,
  });
}
