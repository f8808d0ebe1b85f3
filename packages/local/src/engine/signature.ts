/**
 * Checks the signature of S3 requests (AWS Signature Version 4), in the Authorization header or in the query of a signed
 * URL. The object store of fauxqs checks none, so every user of this machine could read and delete images.
 *
 * The check proves that the sender has the secret. It does not compare the body with its signed hash.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface SignedRequest {
  method: string;
  /** Request target as it was sent. */
  url: string;
  headers: IncomingHttpHeaders;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
/** Largest difference between the clock of the sender and ours, ms. */
const CLOCK_SKEW_MS = 15 * 60_000;
const UNSIGNED = "UNSIGNED-PAYLOAD";

interface Signature {
  /** Access key, date, region and service, joined by "/", with the suffix `/aws4_request`. */
  credential: string;
  signedHeaders: string;
  signature: string;
  date: string;
  payloadHash: string;
  /** Time for which the signature is valid after `date`, ms. */
  validMs: number;
}

export function isSigned(request: SignedRequest, secret: string, nowMs: number): boolean {
  const [path = "/", query = ""] = split(request.url, "?");
  const parameters = query
    .split("&")
    .filter((pair) => pair !== "")
    .map(parameterOf);
  const given = request.headers.authorization ? ofHeader(request.headers) : ofQuery(new Map(parameters));
  if (!given) return false;
  const signedAt = timeOf(given.date);
  if (!(nowMs >= signedAt - CLOCK_SKEW_MS && nowMs <= signedAt + given.validMs)) return false;
  const [, day, region, service, suffix] = given.credential.split("/");
  if (suffix !== "aws4_request" || !given.date.startsWith(day!)) return false;

  const names = given.signedHeaders.split(";");
  // Without the host, the signature would also be valid for another server.
  if (!names.includes("host")) return false;
  const canonical = [
    request.method,
    path,
    parameters
      .filter(([name]) => name !== "X-Amz-Signature")
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join("&"),
    ...names.map(
      (name) =>
        `${name}:${String(request.headers[name] ?? "")
          .trim()
          .replace(/\s+/g, " ")}`,
    ),
    "",
    given.signedHeaders,
    given.payloadHash,
  ].join("\n");
  const scope = [day, region, service, suffix].join("/");
  const text = [ALGORITHM, given.date, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const keys = [day!, region!, service!, suffix];
  const key = keys.reduce<Buffer>((last, part) => hmac(last, part), Buffer.from(`AWS4${secret}`));
  const expected = hmac(key, text);
  const signature = Buffer.from(given.signature, "hex");
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

function ofHeader(headers: IncomingHttpHeaders): Signature | undefined {
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(
    headers.authorization!,
  );
  const date = headers["x-amz-date"];
  const payloadHash = headers["x-amz-content-sha256"];
  if (!parts || typeof date !== "string" || typeof payloadHash !== "string") return undefined;
  const [, credential, signedHeaders, signature] = parts;
  return {
    credential: credential!,
    signedHeaders: signedHeaders!,
    signature: signature!,
    date,
    payloadHash,
    validMs: CLOCK_SKEW_MS,
  };
}

function ofQuery(parameters: ReadonlyMap<string, string>): Signature | undefined {
  const get = (name: string) => parameters.get(`X-Amz-${name}`) ?? "";
  if (get("Algorithm") !== ALGORITHM || !/^[1-9]\d{0,5}$/.test(get("Expires"))) return undefined;
  return {
    credential: get("Credential"),
    signedHeaders: get("SignedHeaders"),
    signature: get("Signature"),
    date: get("Date"),
    payloadHash: get("Content-Sha256") || UNSIGNED,
    validMs: Number(get("Expires")) * 1_000,
  };
}

function parameterOf(pair: string): [string, string] {
  const [name = "", value = ""] = split(pair, "=");
  return [decode(name), decode(value)];
}

/** Splits at the first separator. */
function split(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent-encoding as AWS signs it: all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Returns the time of `20261130T041523Z`, epoch ms; NaN if the text has another form. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
