/**
 * Judges each call of a function by the policies of its role, as IAM does. moto checks no permissions, so a proxy in front of
 * it does. Each function has an access key of its own, which is its name. The proxy also replaces the parts of AWS that a
 * check wants to fail.
 */
import { createHash } from "node:crypto";
import http from "node:http";
import { LOOPBACK } from "@mjflow/local/engine/port";
import { TRACE_HEADER } from "./lineage.ts";

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
  return bucketCalls(method, new URL(url, "http://s3"), body);
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

function bucketCalls(method: string, { pathname, searchParams }: URL, body: string): Call[] {
  const [, bucket = "", ...key] = pathname.split("/");
  const arn = `arn:aws:s3:::${bucket}`;
  if (searchParams.has("delete")) {
    // S3 checks the permission for each object that the request names.
    const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => match[1]);
    return keys.map((each) => ({ action: "s3:DeleteObject", arn: `${arn}/${each}` }));
  }
  if (key.join("/") === "") return [{ action: "s3:ListBucket", arn }];
  const isUpload = searchParams.has("uploads") || searchParams.has("uploadId");
  const actions: Record<string, string> = {
    GET: "s3:GetObject",
    HEAD: "s3:GetObject",
    PUT: "s3:PutObject",
    POST: "s3:PutObject",
    DELETE: isUpload ? "s3:AbortMultipartUpload" : "s3:DeleteObject",
  };
  return [{ action: actions[method] ?? `s3:${method}`, arn: `${arn}/${decodeURIComponent(key.join("/"))}` }];
}

/** A fault of AWS, or of what is between AWS and a function. */
export interface Fault {
  /** The function whose calls it meets. */
  name: string;
  action: string;
  /** Part of the ARN. */
  resource?: string;
  /** Method and part of the query; for actions of S3 that several requests share. */
  request?: RegExp;
  /** Unset: the first call. Number of calls that pass before. */
  after?: number;
  times: number;
  /**
   * `fail`: 503 without an effect. `lose`: AWS accepts the messages and no function gets them. `hang`: no response, so the function
   * runs into its timeout.
   */
  effect: "fail" | "lose" | "hang";
}

export interface ArmedFault extends Fault {
  /** Calls that it met. */
  fired: number;
}

export interface Judge {
  url: string;
  /** "function action resource" of each refused call. */
  denied: string[];
  /** Permissions that at least one call used, by function. */
  used: Map<string, Set<string>>;
  /** Number of calls by "function action". */
  counts: Map<string, number>;
  /** Trace header with which the message was sent; undefined for a message that no function has sent. */
  traceOf(messageId: string): string | undefined;
  arm(fault: Fault): ArmedFault;
  /** Ends all faults. */
  disarm(): void;
  stop(): Promise<void>;
}

interface Answer {
  status: number;
  headers: http.OutgoingHttpHeaders;
  body: string;
}

const JSON_TYPE = { "content-type": "application/x-amz-json-1.0" };

function problem(status: number, type: string, message: string): Answer {
  return { status, headers: JSON_TYPE, body: JSON.stringify({ __type: type, message }) };
}

/** SQS's response to messages that get lost. */
function accepted(body: string): Answer {
  const sent = JSON.parse(body) as { MessageBody?: string; Entries?: { Id: string; MessageBody: string }[] };
  const one = (text: string) => ({ MessageId: "lost", MD5OfMessageBody: createHash("md5").update(text).digest("hex") });
  const result = sent.Entries
    ? { Successful: sent.Entries.map(({ Id, MessageBody }) => ({ Id, ...one(MessageBody) })), Failed: [] }
    : one(sent.MessageBody ?? "");
  return { status: 200, headers: JSON_TYPE, body: JSON.stringify(result) };
}

interface Sent {
  MessageId?: string;
  Successful?: { MessageId: string }[];
}

/** S3 says that an object is missing only to a role that may list the bucket. To other roles it answers 403. */
function listingOf({ action, arn }: Call): Call | undefined {
  return action === "s3:GetObject" ? { action: "s3:ListBucket", arn: arn.slice(0, arn.indexOf("/")) } : undefined;
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
  const traces = new Map<string, string>();
  const faults: (ArmedFault & { seen: number })[] = [];
  const agent = new http.Agent({ keepAlive: true });
  const { hostname, port } = new URL(moto);

  /** @returns the refusal; undefined if the role allows the call */
  function judged(name: string, call: Call): Answer | undefined {
    const grants = grantsOf(policies.get(name) ?? [], call);
    for (const grant of grants) used.get(name)?.add(grant);
    if (grants.length > 0) return undefined;
    denied.push(`${name} ${call.action} ${call.arn}`);
    return problem(403, "AccessDeniedException", `${call.action} on ${call.arn}`);
  }

  function faultOf(name: string, { action, arn }: Call, request: string): ArmedFault | undefined {
    const fault = faults.find(
      (each) =>
        each.name === name &&
        each.action === action &&
        arn.includes(each.resource ?? "") &&
        (each.request?.test(request) ?? true) &&
        each.fired < each.times &&
        each.seen++ >= (each.after ?? 0),
    );
    if (fault) fault.fired++;
    return fault;
  }

  /** @returns the response of moto, with its body only for messages, whose ids are needed */
  function forward(request: http.IncomingMessage, body: Buffer): Promise<http.IncomingMessage> {
    const { method, headers, url: path } = request;
    return new Promise((resolve, reject) => {
      const forwarded = http.request({ hostname, port, path, method, headers, agent }, resolve);
      forwarded.on("error", reject).end(body);
    });
  }

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    const url = request.url ?? "/";
    const method = request.method ?? "GET";
    const name = /Credential=([^/,%]+)/i.exec(`${request.headers.authorization} ${url}`)?.[1] ?? "";
    const target = request.headers["x-amz-target"] as string | undefined;
    const reply = ({ status, headers, body: text }: Answer) => response.writeHead(status, headers).end(text);
    const calls = callsOf({ method, url, target, body: body.toString() }, scope);
    for (const call of calls) {
      const counted = `${name} ${call.action}`;
      counts.set(counted, (counts.get(counted) ?? 0) + 1);
      const refusal = judged(name, call);
      if (refusal) return void reply(refusal);
      const fault = faultOf(name, call, `${method} ${url}`);
      if (fault?.effect === "fail") return void reply(problem(503, "ServiceUnavailable", "a fault of the rehearsal"));
      if (fault?.effect === "lose") return void reply(accepted(body.toString()));
      if (fault?.effect === "hang") return;
    }
    const answer = await forward(request, body);
    const listing = answer.statusCode === 404 ? calls.map(listingOf).find(Boolean) : undefined;
    const refusal = listing && judged(name, listing);
    if (refusal) return void reply({ ...refusal, body: "" });
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (!target?.startsWith("AmazonSQS.SendMessage")) return void answer.pipe(response);
    const text = Buffer.concat(await answer.toArray()).toString();
    const { MessageId, Successful = [] } = JSON.parse(text) as Sent;
    const trace = request.headers[TRACE_HEADER];
    for (const id of [MessageId, ...Successful.map((sent) => sent.MessageId)])
      if (id !== undefined && typeof trace === "string") traces.set(id, trace);
    response.end(text);
  }

  const server = http.createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    url: `http://${LOOPBACK}:${(server.address() as { port: number }).port}`,
    denied,
    used,
    counts,
    traceOf: (messageId) => traces.get(messageId),
    arm(fault) {
      const armed = { ...fault, fired: 0, seen: 0 };
      faults.push(armed);
      return armed;
    },
    disarm: () => void faults.splice(0),
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
