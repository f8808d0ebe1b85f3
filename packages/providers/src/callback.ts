/** Parsing of callbacks. The callback handler imports only this module, which has no code that calls a vendor. */
import type { Report } from "@mjflow/core/report";
import type { Dialect } from "./dialect.ts";
import { parseJson } from "./json.ts";
import { CHANGE_BUTTONS } from "./legacy-change.ts";
import { parseTask, type ReadOptions } from "./report.ts";
import { DIALECTS } from "./vendors/index.ts";

/** Returns undefined if the body is no task object. For an unknown provider the rules of the protocol apply. */
export function readCallback(provider: string, body: string): Report | undefined {
  return parseTask(parseJson(body), readOptions(DIALECTS.get(provider)));
}

export function readOptions(dialect: Dialect | undefined): ReadOptions {
  return dialect?.change ? { changeButtons: CHANGE_BUTTONS } : {};
}
