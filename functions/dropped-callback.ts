/**
 * The short way of a callback that is dropped, for the local server. A Lambda function gets its event in any case, so only
 * `callback.ts` is deployed.
 */
import { dropCallback } from "@mjflow/engine/drop-callback";
import { isStep } from "@mjflow/providers/step";
import { OK } from "./callback.ts";
import { sharedTokens } from "./composition/base.ts";
import { composeCallback } from "./composition/callback.ts";

/** The result of `handler` for a dropped callback. */
export const DROPPED = OK;

/**
 * @param body the bytes of the body as Latin-1 text; their charset is UTF-8
 * @returns true if the callback was dropped and counted; false: `handler` decides
 */
export function drop(token: string, body: string): boolean {
  const deps = composeCallback();
  const isDropped = dropCallback({ clock: deps.clock, log: deps.log, knownTokens: sharedTokens, isStep }, token, body);
  if (isDropped) deps.log.flush();
  return isDropped;
}
