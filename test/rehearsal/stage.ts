/** Makes the evaluated resources of a stage on an AWS-compatible server, and runs its functions there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Store } from "@mjflow/core/port";
import { LOOPBACK } from "@mjflow/local/engine/port";
import { type EventSourceMapping, startEventSourceMapping } from "@mjflow/local/event-source-mapping";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { all, type Infra, list, type Policy } from "../../infra/check/model.ts";
import { createSqsSource } from "../support/emulator/sqs-source.ts";
import { type Aws, createAws } from "./aws.ts";
import { type ConsoleSite, startConsoleSite } from "./console-site.ts";
import { type Judge, type Statement, startJudge } from "./judge.ts";
import { type Concurrency, FunctionPool } from "./pool.ts";
import { createResources } from "./resource.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const REGION = "eu-west-1";
/** Account of the mocks, and moto's own default. */
const ACCOUNT = "123456789012";

/** One invocation by a queue. */
export interface Batch {
  name: string;
  records: { messageId: string; receiptHandle: string; body: string }[];
  /** Ids of the messages that the function reports as failed; undefined if the whole batch failed. */
  failed: string[] | undefined;
}

export interface Stage {
  pools: Map<string, FunctionPool>;
  judge: Judge;
  concurrency: Concurrency;
  batches: Batch[];
  console: ConsoleSite;
  url(name: "Api" | "Callback" | "Stream"): string;
  /** A client of the queues without a role, for what a check does to them. */
  queues: { client: SQSClient; urlOf(name: "SubmitQueue" | "DeliverQueue" | "DeadLetters"): string };
  /** Calls without a role. */
  aws: Aws;
  /** Name of the bucket of images. */
  bucket: string;
  /** The table without a role. */
  store: Store;
  /** Permissions by function that its role has. */
  granted: Map<string, string[]>;
  stop(): Promise<void>;
}

export interface Evaluation {
  infra: Infra;
  /** Folder of the evaluation, with the files of the console. */
  folder: string;
  bundleOf(name: string): string;
}

/**
 * Runs SST's components, and bundles every function.
 *
 * @param before the evaluation of the deployment before; unset: this is the first one
 */
export function evaluate(stage: string, env: Record<string, string>, before?: Evaluation): Evaluation {
  const folder = path.join(ROOT, ".sst/rehearsal", before ? "second" : "first");
  // A file of an earlier run would be taken for a part of this deployment.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const out = path.join(folder, "infra.json");
  const state = before ? ["--state", path.join(before.folder, "infra.json")] : [];
  const args = ["infra/check/evaluate.mjs", "--stage", stage, "--build", "--keep", folder, "--out", out, ...state];
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS|MJFLOW|SST)_/.test(name));
  const options = { cwd: ROOT, env: { ...Object.fromEntries(inherited), ...env }, stdio: "pipe" as const };
  execFileSync(process.execPath, args, options);
  const infra = JSON.parse(readFileSync(out, "utf8")) as Infra;
  return { infra, folder, bundleOf: (name) => path.join(folder, "artifacts", `${name}-src`, "bundle.mjs") };
}

const optionsOf = (endpoint: string, accessKeyId = "rehearsal") => {
  return { endpoint, region: REGION, credentials: { accessKeyId, secretAccessKey: "rehearsal" } };
};

const clientOf = (endpoint: string, accessKeyId?: string) => new SQSClient(optionsOf(endpoint, accessKeyId));

/** Reads the policies of the role of each function. */
function policiesOf(infra: Infra): Map<string, Statement[]> {
  const roles = all(infra, "aws:iam/role:Role");
  return new Map(
    infra.builds.map(({ name }) => {
      const role = roles.find((candidate) => candidate.name === `${name}Role`);
      const statements = list(role?.inputs.inlinePolicies).flatMap(
        ({ policy }) => (JSON.parse(policy) as Policy).Statement,
      );
      return [name, statements as Statement[]];
    }),
  );
}

/** @param limit concurrent executions of the account */
export async function startStage(
  { infra, folder, bundleOf }: Evaluation,
  moto: string,
  limit: number,
  timings: object,
): Promise<Stage> {
  const aws = createAws(moto);
  await createResources(aws, infra, folder);
  const policies = policiesOf(infra);
  const judge = await startJudge(moto, policies, `${REGION}:${ACCOUNT}`);
  const concurrency: Concurrency = { limit, running: 0, peak: 0, throttled: new Map() };
  const batches: Batch[] = [];
  const pools = new Map<string, FunctionPool>();
  const servers = new Map<string, http.Server>();
  for (const name of ["Api", "Callback", "Stream"]) {
    const server = http.createServer((request, response) => pools.get(name)!.serve(request, response));
    // A server that closes a connection at the moment of the next request would look like a fault of the stage.
    server.keepAliveTimeout = 600_000;
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    servers.set(name, server);
  }
  const url = (name: string) => `http://${LOOPBACK}:${(servers.get(name)!.address() as { port: number }).port}`;
  /** The mocks give addresses of AWS. Here the queues and the function URLs are on loopback. */
  const linkOf = (link: string): Record<string, string> => {
    const given = infra.links[link]!;
    if (servers.has(link)) return { ...given, url: url(link) };
    const isQueue = given["url"]?.includes("sqs.");
    return isQueue ? { ...given, url: `${judge.url}/${ACCOUNT}/${given["url"]!.split("/").at(-1)}` } : given;
  };
  const functions = all(infra, "aws:lambda/function:Function");
  for (const { name, handler, links } of infra.builds) {
    const { inputs } = functions.find((fn) => fn.name === `${name}Function`)!;
    const env: Record<string, string> = {
      AWS_REGION: REGION,
      // The judge knows a function by its access key.
      AWS_ACCESS_KEY_ID: name,
      AWS_SECRET_ACCESS_KEY: "rehearsal",
      AWS_LAMBDA_FUNCTION_NAME: inputs.name,
      ...Object.fromEntries(
        ["", "_DYNAMODB", "_SQS", "_S3", "_EVENTBRIDGE"].map((service) => [`AWS_ENDPOINT_URL${service}`, judge.url]),
      ),
      MJFLOW_TIMINGS: JSON.stringify(timings),
      SST_RESOURCE_App: JSON.stringify({ name: infra.app, stage: infra.stage }),
      ...Object.fromEntries(links.map((link) => [`SST_RESOURCE_${link}`, JSON.stringify(linkOf(link))])),
      ...Object.fromEntries(Object.entries(inputs.environment.variables).filter(([key]) => key.startsWith("MJFLOW_"))),
    };
    const exported = handler.split(".").at(-1)!;
    const { traceOf } = judge;
    const spec = { name, bundle: bundleOf(name), exported, timeoutS: inputs.timeout, env, traceOf };
    pools.set(name, new FunctionPool(spec, concurrency));
  }
  const mappings: EventSourceMapping[] = await Promise.all(
    all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping").map(async ({ inputs }) => {
      const fn = functions.find(({ arn }) => arn === inputs.functionName)!;
      const name = fn.name.replace(/Function$/, "");
      const QueueUrl = `${judge.url}/${ACCOUNT}/${inputs.eventSourceArn.split(":").at(-1)}`;
      // Lambda reads the queue with the role of the function, and first asks for its attributes.
      const role = clientOf(judge.url, name);
      await role.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
      return startEventSourceMapping({
        name,
        source: createSqsSource(role, QueueUrl),
        async handler(event: { Records: Batch["records"] }) {
          const batch: Batch = { name, records: event.Records, failed: undefined };
          batches.push(batch);
          const result = (await pools.get(name)!.invoke(event)) as { batchItemFailures: { itemIdentifier: string }[] };
          batch.failed = result.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
          return result;
        },
        timeoutS: fn.inputs.timeout,
        batchSize: inputs.batchSize,
        slots: inputs.scalingConfig!.maximumConcurrency,
      });
    }),
  );
  const bucket = all(infra, "aws:s3/bucket:Bucket").find(({ name }) => name === "BlobsBucket")!.inputs.bucket;
  const tableName = all(infra, "aws:dynamodb/table:Table")[0]!.inputs.name;
  const queueName = (name: string) =>
    all(infra, "aws:sqs/queue:Queue").find((queue) => queue.name === `${name}Queue`)!.inputs.name;
  const site = await startConsoleSite(infra, aws);
  return {
    pools,
    judge,
    concurrency,
    batches,
    console: site,
    url,
    queues: { client: clientOf(moto), urlOf: (name) => `${moto}/${ACCOUNT}/${queueName(name)}` },
    store: createDynamoStore({ client: new DynamoDBClient(optionsOf(moto)), table: tableName }),
    aws,
    bucket,
    granted: new Map(
      [...policies].map(([name, statements]) => [
        name,
        statements.flatMap(({ Action, Resource }) =>
          list(Action).flatMap((action) => list(Resource).map((resource) => `${action} ${resource}`)),
        ),
      ]),
    ),
    async stop() {
      await Promise.all(mappings.map((mapping) => mapping.stop()));
      site.stop();
      for (const server of servers.values()) server.close();
      for (const pool of pools.values()) pool.stop();
      await judge.stop();
    },
  };
}
