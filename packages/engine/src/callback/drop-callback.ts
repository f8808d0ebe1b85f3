/**
 * Recognizes a callback that changes nothing: progress that no app requested (D2). A server that handles many callbacks asks here
 * before it builds a request of one. All other callbacks are for `handleCallback`, and so are those that need a closer look.
 */
import type { CallbackClaims } from "@mjflow/core/callback-token";
import type { EngineDeps } from "../deps.ts";

export type DropCallbackDeps = Pick<EngineDeps, "clock" | "log"> & {
  /** The tokens that this process has created or checked: the `shared` cache of its `CallbackTokens`. */
  knownTokens: ReadonlyMap<string, CallbackClaims>;
  /** True only if the body reports a status that no app needs. It may be wrong about a body whose report would be unreadable. */
  isStep(provider: string, body: string): boolean;
};

/**
 * Makes no check of a signature, no parsing and no request. A token counts only if this process has already checked it.
 *
 * @param body its bytes as Latin-1 text
 * @returns true if the callback was dropped and counted; false says nothing about it
 */
export function dropCallback(deps: DropCallbackDeps, token: string, body: string): boolean {
  const claims = deps.knownTokens.get(token);
  // Without the flag `calling` the account has to be recorded first.
  if (claims === undefined || claims.progress || !claims.calling || claims.expiresAt <= deps.clock.now()) return false;
  if (!deps.isStep(claims.provider, body)) return false;
  deps.log.count("Callbacks");
  deps.log.count("CallbacksDropped");
  return true;
}
