/** Short random ids that are unique among a few others, for example among the slots of an account. */
import type { EngineDeps } from "./deps.ts";

/** @param bytes number of random bytes; each three give four characters of base64url */
export function newShortId({ random }: Pick<EngineDeps, "random">, bytes: number): string {
  return Buffer.from(random.bytes(bytes)).toString("base64url");
}
