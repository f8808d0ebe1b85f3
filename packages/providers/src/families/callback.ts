/** Reads the callbacks of every family. The callback handler imports only this module. */
import type { ReadCallbackOptions, Report } from "@mjflow/core/report";
import { readCallback } from "../callback.ts";
import { READERS } from "./readers.ts";

/**
 * Returns undefined if the body is no task object. A vendor of the family `mjproxy` is read at once. The reader of another
 * family is loaded first. For an unknown provider the rules of `mjproxy` apply.
 *
 * @throws if the code of the family cannot be loaded. The callback is then not acknowledged
 */
export function readAnyCallback(
  provider: string,
  body: string,
  options: ReadCallbackOptions = {},
): Report | undefined | Promise<Report | undefined> {
  const load = Object.hasOwn(READERS, provider) ? READERS[provider] : undefined;
  return load
    ? load().then((reader) => reader.readCallback(body, options.baseUrl))
    : readCallback(provider, body, options);
}
