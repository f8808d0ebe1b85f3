/**
 * Converts a submit response of a family to an outcome (P2). Statuses come first, words second. Each family says what its statuses
 * mean where that differs from HTTP, and how a body names an accepted task. What proves nothing is unclear.
 */
import { type FailureCode, failure } from "@mjflow/core/error";
import type { SubmitOutcome } from "@mjflow/core/port";
import { failureCodeOf, withoutQuotes } from "@mjflow/core/report";
import type { HttpOutcome } from "../../http-client.ts";
import { type Fields, isFields, parseDocuments, textOf } from "../../json.ts";
import { cleanVendorText } from "../../redact.ts";

/** What a status means: an outcome, or the code of a rejection. `words`: the text of the response decides. */
export type Meaning = "busy" | "unclear" | "words" | FailureCode;

export interface AnswerRules {
  /** Reads an acceptance; undefined if the body is none. A body that names the id of a new task is one. */
  accepted(body: Fields, status: number): SubmitOutcome | undefined;
  /** Meanings of statuses that differ from HTTP's, or what the words decide there. */
  statuses?: Readonly<Record<number, Meaning | ((words: string) => Meaning)>>;
  /** The values of an error body that are its texts, the one for people first. */
  textsOf(body: Fields): readonly unknown[];
  /** Meaning of a family's own phrases. They come before those that all vendors use. Undefined: they say nothing. */
  meaningOf?(words: string): Exclude<Meaning, "words"> | undefined;
}

/** What was sent. */
export interface Sent {
  /** The prompt. Vendors quote it in their refusals, and its words decide nothing. */
  prompt?: string | undefined;
  /** The API key. It is removed from the vendor's words. */
  apiKey: string;
}

/** Cloudflare had no connection to the vendor's server; 520, 522 and 524 prove nothing. */
const NOT_CONNECTED = new Set([521, 523, 525, 526, 530]);

const HTTP_MEANS: Readonly<Record<number, Meaning>> = {
  400: "words",
  401: "vendor_unauthorized",
  402: "vendor_out_of_money",
  403: "vendor_unauthorized",
  404: "unsupported",
  405: "unsupported",
  408: "busy",
  409: "words",
  413: "words",
  422: "words",
  425: "busy",
  429: "busy",
  501: "unsupported",
};

export function readAnswer(outcome: HttpOutcome, rules: AnswerRules, { prompt, apiKey }: Sent): SubmitOutcome {
  if (outcome.kind === "unsent") return { kind: "busy", reason: `not sent: ${outcome.reason}`, about: "connection" };
  const documents = parseDocuments(outcome.text ?? "").flatMap(({ value }) => (isFields(value) ? [value] : []));
  const status = outcome.kind === "answered" ? outcome.status : 200;
  for (const body of documents) {
    const accepted = rules.accepted(body, status);
    if (accepted) return accepted;
  }
  if (outcome.kind === "lost") return { kind: "unclear", reason: outcome.reason };

  const { retryAfterMs, headers = {} } = outcome;
  const busy = (about?: "connection"): SubmitOutcome => ({
    kind: "busy",
    reason: `HTTP ${status}`,
    ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }),
    ...(about && { about }),
  });
  if (NOT_CONNECTED.has(status) && headers["cf-ray"] !== undefined) return busy("connection");
  const [body] = documents;
  // A firewall in front of the vendor writes pages. They are not about the key.
  if (status === 403 && (body === undefined || headers["cf-mitigated"] !== undefined)) return busy();
  if (status >= 300 && status < 400) return redirected(headers.location);

  const texts = body ? rules.textsOf(body).flatMap((each) => textOf(each) ?? []) : [];
  const words = withoutQuotes(texts.join(" \n "), [prompt]);
  const description = cleanVendorText(texts[0] ?? "", apiKey).slice(0, 300);
  const refuse = (code: FailureCode): SubmitOutcome => ({
    kind: "refused",
    failure: failure(code, description ? { vendor: { description } } : {}),
  });
  const fallback: Meaning = status >= 500 || body === undefined || texts.length === 0 ? "unclear" : "words";
  const own = rules.statuses?.[status];
  const said = (typeof own === "function" ? own(words) : own) ?? HTTP_MEANS[status] ?? fallback;
  const meaning = said === "words" ? (rules.meaningOf?.(words) ?? failureCodeOf(words) ?? "vendor_refused") : said;
  if (meaning === "busy") return busy();
  if (meaning === "unclear") return { kind: "unclear", reason: `HTTP ${status}` };
  return refuse(meaning);
}

/** The call was not repeated, because a redirected POST would change. The text has only scheme and host: a path may hold a key. */
function redirected(location: string | undefined): SubmitOutcome {
  const target = location === undefined ? undefined : URL.parse(location)?.origin;
  const description = target
    ? `The vendor's address redirects to ${target}. Set that address as baseUrl.`
    : "The vendor's address redirects elsewhere. Correct its baseUrl.";
  return { kind: "refused", failure: failure("unsupported", { vendor: { description } }) };
}

/** The outcome of a request that the vendor's API has no call for. Nothing was sent. */
export const UNSUPPORTED: Extract<SubmitOutcome, { kind: "refused" }> = {
  kind: "refused",
  failure: failure("unsupported"),
};
export const INPUT_MISSING: SubmitOutcome = { kind: "refused", failure: failure("input_missing") };
