/** Parsing of callbacks. The callback handler imports only this module, which has no code that calls a vendor. */
import type { ReadCallbackOptions, Report } from "@mjflow/core/report";
import { type BodyHeaders, otherCharsetOf } from "./body-headers.ts";
import { canPress, type Dialect } from "./dialect.ts";
import { isFields, parseJson } from "./json.ts";
import { CHANGE_BUTTONS } from "./legacy-change.ts";
import { parseTask, type ReadOptions } from "./report.ts";
import { DIALECTS } from "./vendors/index.ts";

/** An import statement of this module would load the code of `File` at every cold start (docs/decisions/0084). */
const { isUtf8 } = process.getBuiltinModule("node:buffer");

/**
 * Returns the text of a callback body; undefined if the decoded body is larger than `maxBytes`. Nearly every callback is
 * plain UTF-8, so the decoders of `http-body.ts` are loaded only for other bodies: they would lengthen each cold start.
 */
export async function decodeBytes(
  bytes: Buffer,
  headers: BodyHeaders | undefined,
  maxBytes: number,
): Promise<string | undefined> {
  const known = headers ?? {};
  if (isPlain(bytes, known)) return new TextDecoder().decode(bytes);
  return (await import("./http-body.ts")).decodeBytes(bytes, known, maxBytes);
}

/**
 * Returns the text of a callback body that the runtime passes as text: its bytes are UTF-8. Undefined if the headers name another
 * encoding; then `decodeBytes` decides.
 */
export function decodedText(text: string, headers: BodyHeaders | undefined): string | undefined {
  return isUtf8Declared(headers ?? {}) ? text.replace(/^\ufeff/, "") : undefined;
}

function isPlain(bytes: Buffer, headers: BodyHeaders): boolean {
  return isUtf8Declared(headers) && isUtf8(bytes);
}

function isUtf8Declared(headers: BodyHeaders): boolean {
  return headers["content-encoding"] === undefined && otherCharsetOf(headers) === undefined;
}

/** Returns undefined if the body is no task object. For an unknown provider the rules of the protocol apply. */
export function readCallback(
  provider: string,
  body: string,
  { baseUrl, dropsSteps }: ReadCallbackOptions = {},
): Report | undefined {
  const options =
    dropsSteps && baseUrl === undefined ? briefOptions(provider) : readOptions(DIALECTS.get(provider), baseUrl);
  return parseTask(parseJson(body), options) ?? parseTask(formOf(body), options);
}

/** Nearly all callbacks are read with these options, so they are built once for each provider. */
const BRIEF = new Map<Dialect | undefined, ReadOptions>();

function briefOptions(provider: string): ReadOptions {
  const dialect = DIALECTS.get(provider);
  let options = BRIEF.get(dialect);
  if (!options) {
    options = { ...readOptions(dialect), dropsSteps: true };
    BRIEF.set(dialect, options);
  }
  return options;
}

export function readOptions(dialect: Dialect | undefined, baseUrl?: string): ReadOptions {
  return {
    ...(dialect?.change && { changeButtons: CHANGE_BUTTONS }),
    ...(dialect && { canPress: (customId) => canPress(dialect, customId) }),
    ...(dialect?.operations.includes("video") && { videoBy: dialect.videoBy }),
    ...(baseUrl !== undefined && { baseUrl }),
  };
}

/** Some senders in PHP post a form: the fields of the task, or one field with the task as JSON text. */
function formOf(body: string): unknown {
  if (!/^[\w.[\]%-]+=/.test(body)) return undefined;
  const fields = Object.fromEntries(new URLSearchParams(body));
  const whole = Object.values(fields).map(parseJson).find(isFields);
  return Object.keys(fields).length === 1 && whole ? whole : fields;
}
