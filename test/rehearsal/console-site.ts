/**
 * The console as CloudFront serves it: the files of its bucket with the headers of the evaluated policies. And a `fetch` that
 * keeps the rules of a browser for a page of this site: its content security policy, CORS and preflight requests.
 */
import http from "node:http";
import { LOOPBACK } from "@mjflow/local/engine/port";
import { all, type Infra, some } from "../../infra/check/model.ts";
import type { Aws } from "./aws.ts";

export interface ConsoleSite {
  /** Where the site is on this machine. */
  url: string;
  /** Origin of the page in a browser. */
  origin: string;
  stop(): void;
}

export async function startConsoleSite(infra: Infra, aws: Aws): Promise<ConsoleSite> {
  const distribution = some(infra, "aws:cloudfront/distribution:Distribution").find(
    ({ name }) => name === "ConsoleDistribution",
  )!;
  const { defaultRootObject, defaultCacheBehavior } = distribution.inputs;
  const bucket = all(infra, "aws:s3/bucket:Bucket").find(({ name }) => name === "ConsoleSiteBucket")!.inputs.bucket;
  const files = all(infra, "aws:s3/bucketObjectv2:BucketObjectv2").map(({ inputs }) => inputs);
  const headers = headersOf(infra);
  const server = http.createServer(async (request, response) => {
    if (!defaultCacheBehavior.allowedMethods.includes(request.method!)) return void response.writeHead(403).end();
    const key = request.url!.slice(1) || defaultRootObject!;
    const text = await aws.rest("s3", "GET", `/${bucket}/${key}`).catch(() => undefined);
    const file = files.find((one) => one.key === key);
    response.writeHead(text === undefined ? 403 : 200, {
      ...headers,
      ...(file && { "content-type": file.contentType, "cache-control": file.cacheControl }),
    });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const { MJFLOW_CORS_ORIGINS: origin = "" } = all(infra, "aws:lambda/function:Function").find(
    ({ name }) => name === "ApiFunction",
  )!.inputs.environment.variables;
  return {
    url: `http://${LOOPBACK}:${(server.address() as { port: number }).port}`,
    origin,
    stop: () => void server.close(),
  };
}

function headersOf(infra: Infra): Record<string, string> {
  const [policy] = some(infra, "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy");
  const { securityHeadersConfig: security, customHeadersConfig: custom } = policy!.inputs;
  return {
    "content-security-policy": security.contentSecurityPolicy?.contentSecurityPolicy ?? "",
    "x-content-type-options": security.contentTypeOptions?.override ? "nosniff" : "",
    "x-frame-options": security.frameOptions?.frameOption ?? "",
    ...Object.fromEntries(custom.items.map(({ header, value }) => [header.toLowerCase(), value])),
  };
}

interface Page {
  origin: string;
  /** Content security policy of the page. */
  policy: string;
  /** Where the origins of AWS are on this machine. */
  places: Readonly<Record<string, string>>;
}

const SIMPLE_METHODS = ["GET", "HEAD", "POST"];
const SIMPLE_HEADERS = ["accept", "accept-language", "content-language"];

/** @returns a `fetch` that fails where a browser would fail */
export function browserFetch({ origin, policy, places }: Page): typeof fetch {
  const sources = /connect-src ([^;]*)/.exec(policy)?.[1]?.split(" ") ?? [];
  return async (input, init) => {
    const request = new Request(input, init);
    const target = new URL(request.url);
    if (!sources.includes(target.origin)) throw new TypeError(`connect-src forbids ${target.origin}`);
    const place = places[target.origin];
    if (place === undefined) throw new TypeError(`nothing is at ${target.origin}`);
    const url = place + target.pathname + target.search;
    const names = [...request.headers.keys()].filter((name) => !SIMPLE_HEADERS.includes(name));
    if (names.length > 0 || !SIMPLE_METHODS.includes(request.method)) await preflight(url, request.method, names);
    const headers = new Headers(request.headers);
    headers.set("origin", origin);
    const body = request.body === null ? undefined : await request.text();
    const response = await fetch(url, {
      method: request.method,
      headers,
      signal: request.signal,
      ...(body && { body }),
    });
    assertAllowed(response, url);
    return exposed(response);
  };

  function assertAllowed(response: Response, url: string): void {
    const allowed = response.headers.get("access-control-allow-origin");
    if (allowed !== origin) throw new TypeError(`${url} allows the origin ${allowed}`);
  }

  async function preflight(url: string, method: string, names: readonly string[]): Promise<void> {
    const response = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": names.join(),
      },
    });
    assertAllowed(response, url);
    const listed = (header: string) => (response.headers.get(header) ?? "").toLowerCase().split(/,\s*/);
    if (!response.ok || !listed("access-control-allow-methods").includes(method.toLowerCase()))
      throw new TypeError(`${method} ${url}: the preflight got ${response.status}`);
    const refused = names.filter((name) => !listed("access-control-allow-headers").includes(name));
    if (refused.length > 0) throw new TypeError(`${url} does not allow the headers ${refused}`);
  }
}

/** A page sees only the headers that the server exposes. */
function exposed(response: Response): Response {
  const seen = (response.headers.get("access-control-expose-headers") ?? "").toLowerCase().split(/,\s*/);
  const simple = ["cache-control", "content-type", "content-length"];
  const headers = [...response.headers].filter(([name]) => simple.includes(name) || seen.includes(name));
  return new Response(response.body, { status: response.status, headers });
}
