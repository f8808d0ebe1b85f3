/** Callbacks, read: what the receiver needs of this package, and nothing that could call a vendor. */
import type { Report } from "@mjflow/core/report";
import type { Dialect } from "./dialect.ts";
import { parseJson } from "./json.ts";
import { CHANGE_BUTTONS } from "./legacy-change.ts";
import { parseTask, type ReadOptions } from "./report.ts";
import { DIALECTS } from "./vendors/index.ts";

/** Undefined: not a task object. An unknown provider's callback is read by the protocol's own rules. */
export function readCallback(provider: string, body: string): Report | undefined {
  return parseTask(parseJson(body), readOptions(DIALECTS.get(provider)));
}

export function readOptions(dialect: Dialect | undefined): ReadOptions {
  return dialect?.change ? { changeButtons: CHANGE_BUTTONS } : {};
}
