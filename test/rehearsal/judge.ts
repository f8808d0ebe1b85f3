/**
 * Judges each call of a function by the policies of its role, as IAM does. moto checks no permissions, so a proxy in front of
 * it does. Each function has an access key of its own, which is its name.
 */
import http from "node:http";
import { LOOPBACK } from "@mjflow/local/engine/port";

export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
}

/** One permission that a call needs. */
export interface Call {
  action: string;
  arn: string;
}

interface Request {
  method: string;
  /** Path and query. */
  url: string;
  target: string | undefined;
  body: string;
}

const list = <T>(value: T | T[]): T[] => [value].flat() as T[];

function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`).test(text);
}

/** @returns the statements' permissions that allow the call, as "action resource"; empty if none does */
export function grantsOf(policy: readonly Statement[], { action, arn }: Call): string[] {
  return policy
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action, Resource }) =>
      list(Action)
        .filter((pattern) => matches(pattern, action))
        .flatMap((allowed) =>
          list(Resource)
            .filter((pattern) => matches(pattern, arn))
            .map((resource) => `${allowed} ${resource}`),
        ),
    );
}

/**
 * Returns the permissions that a request needs.
 *
 * @param scope region and account in ARNs, `eu-west-1:123456789012`
 * @throws Error for a request that no function should send
 */
export function callsOf({ method, url, target, body }: Request, scope: string): Call[] {
  const [service, operation = ""] = target?.split(".") ?? [];
  if (service?.startsWith("DynamoDB")) return tableCalls(operation, JSON.parse(body), scope);
  if (service === "AmazonSQS") {
    const name = (JSON.parse(body) as { QueueUrl: string }).QueueUrl.split("/").at(-1);
    // SQS has no separate permissions for batches.
    return [{ action: `sqs:${operation.replace(/Batch$/, "")}`, arn: `arn:aws:sqs:${scope}:${name}` }];
  }
  if (service === "AWSEvents") {
    const { Entries } = JSON.parse(body) as { Entries: { EventBusName: string }[] };
    return Entries.map(({ EventBusName }) => {
      return { action: `events:${operation}`, arn: `arn:aws:events:${scope}:event-bus/${EventBusName}` };
    });
  }
  if (service !== undefined) throw new Error(`No permission is known for ${target}`);
  return [bucketCall(method, new URL(url, "http://s3"))];
}

function tableCalls(operation: string, input: Record<string, unknown>, scope: string): Call[] {
  const arnOf = (table: string) => `arn:aws:dynamodb:${scope}:table/${table}`;
  const action = `dynamodb:${operation}`;
  const { TableName, IndexName, RequestItems } = input as {
    TableName?: string;
    IndexName?: string;
    RequestItems?: Record<string, unknown>;
  };
  if (RequestItems) return Object.keys(RequestItems).map((table) => ({ action, arn: arnOf(table) }));
  return [{ action, arn: `${arnOf(TableName!)}${IndexName === undefined ? "" : `/index/${IndexName}`}` }];
}

function bucketCall(method: string, { pathname, searchParams }: URL): Call {
  const [, bucket = "", ...key] = pathname.split("/");
  const arn = `arn:aws:s3:::${bucket}`;
  if (key.join("/") === "") return { action: "s3:ListBucket", arn };
  const isUpload = searchParams.has("uploads") || searchParams.has("uploadId");
  const actions: Record<string, string> = {
    GET: "s3:GetObject",
    HEAD: "s3:GetObject",
    PUT: "s3:PutObject",
    POST: "s3:PutObject",
    DELETE: isUpload ? "s3:AbortMultipartUpload" : "s3:DeleteObject",
  };
  return { action: actions[method] ?? `s3:${method}`, arn: `${arn}/${decodeURIComponent(key.join("/"))}` };
}

export interface Judge {
  url: string;
  /** "function action resource" of each refused call. */
  denied: string[];
  /** Permissions that at least one call used, by function. */
  used: Map<string, Set<string>>;
  /** Highest number of hops in a message that a function sent. */
  maxHops: number;
  /** Number of calls by "function action". */
  counts: Map<string, number>;
  stop(): Promise<void>;
}

/** @param policies statements by function name */
export async function startJudge(
  moto: string,
  policies: ReadonlyMap<string, readonly Statement[]>,
  scope: string,
): Promise<Judge> {
  const denied: string[] = [];
  const used = new Map([...policies.keys()].map((name) => [name, new Set<string>()]));
  const counts = new Map<string, number>();
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = request.url ?? "/";
    const name = /Credential=([^/,%]+)/i.exec(`${request.headers.authorization} ${url}`)?.[1] ?? "";
    const target = request.headers["x-amz-target"] as string | undefined;
    for (const [, hops] of body.toString().matchAll(/\\"hops\\":(\d+)/g))
      judge.maxHops = Math.max(judge.maxHops, Number(hops));
    for (const call of callsOf({ method: request.method!, url, target, body: body.toString() }, scope)) {
      const grants = grantsOf(policies.get(name) ?? [], call);
      const counted = `${name} ${call.action}`;
      counts.set(counted, (counts.get(counted) ?? 0) + 1);
      for (const grant of grants) used.get(name)?.add(grant);
      if (grants.length > 0) continue;
      denied.push(`${name} ${call.action} ${call.arn}`);
      response.writeHead(403, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify({ __type: "AccessDeniedException", message: `${call.action} on ${call.arn}` }));
      return;
    }
    const { hostname, port } = new URL(moto);
    const options = { hostname, port, path: url, method: request.method, headers: request.headers, agent };
    const forwarded = http.request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    forwarded.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const { port } = server.address() as { port: number };
  const judge: Judge = {
    url: `http://${LOOPBACK}:${port}`,
    denied,
    maxHops: 1,
    used,
    counts,
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return judge;
}
