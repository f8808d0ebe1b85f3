/**
 * Recognizes a step of progress without parsing its body. Nine of ten callbacks are such steps, and nothing of them is used but
 * their status. A body that needs a closer look is for the parser.
 */
import { READERS } from "./families/readers.ts";

/** A status that needs no write (`needsWrite` of core/report.ts), in the spelling of the protocol. */
const STEP = String.raw`status"\s*:\s*"(?:IN_PROGRESS|SUBMITTED|NOT_START)"`;
/** A field with a simple value. */
const FIELD = String.raw`"\w+"\s*:\s*(?:"[^"\\]*"|-?\d+|null|true|false|\[\])`;
/** The start of a task object up to its status: the fields before it are simple, so the status is one of the task itself. */
const START = new RegExp(String.raw`^\s*\{\s*(?:${FIELD}\s*,\s*)*?"${STEP}\s*[,}]`);

/** What may be a second status. The parser could take the last one, or the one of a wrapped task, so it has to be a step too. */
const STATUS = 'status"';
const OTHER = new RegExp(STEP, "y");
/**
 * A key with an escaped character between `@` and DEL could be a second status. So could one with an escape that JSON does not have: the
 * parser takes its backslash as damage.
 */
const ODD_ESCAPE = /\\(?:[^"\\/bfnrtu]|u(?![\da-fA-F]{4})|u00[4-7])/;

/**
 * True only if `readAnyCallback` would return a report that needs no write, or none because the text after the status is damaged.
 *
 * @param body text in which each ASCII character is one character, such as UTF-8 or its bytes as Latin-1
 */
export function isStep(provider: string, body: string): boolean {
  if (Object.hasOwn(READERS, provider)) return false;
  const start = START.exec(body)?.[0].length;
  if (start === undefined) return false;
  for (let at = body.indexOf(STATUS, start); at >= 0; at = body.indexOf(STATUS, OTHER.lastIndex)) {
    OTHER.lastIndex = at;
    if (!OTHER.test(body)) return false;
  }
  // A body that was cut off on its way is no report.
  return body.trimEnd().endsWith("}") && !(body.includes("\\") && ODD_ESCAPE.test(body));
}
