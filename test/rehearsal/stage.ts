/** Makes the evaluated resources of a stage on an AWS-compatible server, and runs its functions there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateEventBusCommand, EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { LOOPBACK } from "@mjflow/local/engine/port";
import { createSqsSource } from "@mjflow/local/engine/sqs-source";
import { type EventSourceMapping, startEventSourceMapping } from "@mjflow/local/event-source-mapping";
import { all, type Infra, list, type Policy } from "../../infra/check/model.ts";
import { type Judge, type Statement, startJudge } from "./judge.ts";
import { type Concurrency, FunctionPool } from "./pool.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const REGION = "eu-west-1";
/** Account of the mocks, and moto's own default. */
const ACCOUNT = "123456789012";

export interface Stage {
  pools: Map<string, FunctionPool>;
  judge: Judge;
  concurrency: Concurrency;
  url(name: "Api" | "Callback" | "Stream"): string;
  /** Where a check puts a dead-letter message. */
  deadLetters: { endpoint: string; queue: string };
  /** Permissions by function that its role has. */
  granted: Map<string, string[]>;
  stop(): Promise<void>;
}

/** Runs SST's components, and bundles every function. */
export function evaluate(stage: string, env: Record<string, string>): { infra: Infra; bundleOf(name: string): string } {
  const folder = path.join(ROOT, ".sst/rehearsal");
  mkdirSync(folder, { recursive: true });
  const out = path.join(folder, "infra.json");
  const args = ["infra/check/evaluate.mjs", "--stage", stage, "--build", "--keep", folder, "--out", out];
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS|MJFLOW|SST)_/.test(name));
  const options = { cwd: ROOT, env: { ...Object.fromEntries(inherited), ...env }, stdio: "pipe" as const };
  execFileSync(process.execPath, args, options);
  const infra = JSON.parse(readFileSync(out, "utf8")) as Infra;
  return { infra, bundleOf: (name) => path.join(folder, "artifacts", `${name}-src`, "bundle.mjs") };
}

function clientOf<T>(Client: new (config: object) => T, endpoint: string, accessKeyId = "rehearsal"): T {
  return new Client({
    endpoint,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey: "rehearsal" },
    forcePathStyle: true,
  });
}

/** Creates table, queues, bucket and bus with the evaluated inputs. */
async function provision(infra: Infra, moto: string): Promise<void> {
  const dynamo = clientOf(DynamoDBClient, moto);
  for (const { inputs } of all(infra, "aws:dynamodb/table:Table")) {
    const key = (hash: string, range?: string) => [
      { AttributeName: hash, KeyType: "HASH" as const },
      ...(range ? [{ AttributeName: range, KeyType: "RANGE" as const }] : []),
    ];
    const input: CreateTableCommandInput = {
      TableName: inputs.name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: inputs.attributes.map(({ name, type }) => {
        return { AttributeName: name, AttributeType: type as "S" | "N" };
      }),
      KeySchema: key(inputs.hashKey, inputs.rangeKey),
      GlobalSecondaryIndexes: inputs.globalSecondaryIndexes.map(({ name, hashKey, rangeKey, projectionType }) => {
        return {
          IndexName: name,
          KeySchema: key(hashKey, rangeKey),
          Projection: { ProjectionType: projectionType as "KEYS_ONLY" },
        };
      }),
    };
    await dynamo.send(new CreateTableCommand(input));
  }
  const sqs = clientOf(SQSClient, moto);
  // A dead-letter queue must exist before the queues that name it.
  const queues = all(infra, "aws:sqs/queue:Queue").toSorted(
    (a, b) => Number(a.inputs.redrivePolicy !== undefined) - Number(b.inputs.redrivePolicy !== undefined),
  );
  for (const { inputs } of queues) {
    const Attributes = {
      VisibilityTimeout: String(inputs.visibilityTimeoutSeconds),
      ...(inputs.messageRetentionSeconds && { MessageRetentionPeriod: String(inputs.messageRetentionSeconds) }),
      ...(inputs.redrivePolicy && { RedrivePolicy: inputs.redrivePolicy }),
    };
    await sqs.send(new CreateQueueCommand({ QueueName: inputs.name, Attributes }));
  }
  const s3 = clientOf(S3Client, moto);
  for (const { inputs } of all(infra, "aws:s3/bucket:Bucket")) {
    const CreateBucketConfiguration = { LocationConstraint: REGION } as const;
    await s3.send(new CreateBucketCommand({ Bucket: inputs.bucket, CreateBucketConfiguration }));
  }
  const events = clientOf(EventBridgeClient, moto);
  for (const { inputs } of all(infra, "aws:cloudwatch/eventBus:EventBus"))
    await events.send(new CreateEventBusCommand({ Name: inputs.name }));
}

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
  { infra, bundleOf }: ReturnType<typeof evaluate>,
  moto: string,
  limit: number,
  timings: object,
): Promise<Stage> {
  await provision(infra, moto);
  const policies = policiesOf(infra);
  const judge = await startJudge(moto, policies, `${REGION}:${ACCOUNT}`);
  const concurrency: Concurrency = { limit, running: 0, peak: 0, throttled: 0 };
  const pools = new Map<string, FunctionPool>();
  const servers = new Map<string, http.Server>();
  for (const name of ["Api", "Callback", "Stream"]) {
    const server = http.createServer((request, response) => pools.get(name)!.serve(request, response));
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
    const spec = { name, bundle: bundleOf(name), exported: handler.split(".").at(-1)!, timeoutS: inputs.timeout, env };
    pools.set(name, new FunctionPool(spec, concurrency));
  }
  const mappings: EventSourceMapping[] = await Promise.all(
    all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping").map(async ({ inputs }) => {
      const fn = functions.find(({ arn }) => arn === inputs.functionName)!;
      const name = fn.name.replace(/Function$/, "");
      const QueueUrl = `${judge.url}/${ACCOUNT}/${inputs.eventSourceArn.split(":").at(-1)}`;
      // Lambda reads the queue with the role of the function, and first asks for its attributes.
      const role = clientOf(SQSClient, judge.url, name);
      await role.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
      return startEventSourceMapping({
        name,
        source: createSqsSource(role, QueueUrl),
        handler: (event) => pools.get(name)!.invoke(event),
        timeoutS: fn.inputs.timeout,
        batchSize: inputs.batchSize,
        slots: inputs.scalingConfig!.maximumConcurrency,
      });
    }),
  );
  return {
    pools,
    judge,
    concurrency,
    url,
    deadLetters: {
      endpoint: moto,
      queue: `${moto}/${ACCOUNT}/${all(infra, "aws:sqs/queue:Queue").find(({ name }) => name === "DeadLettersQueue")!.inputs.name}`,
    },
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
      for (const server of servers.values()) server.close();
      for (const pool of pools.values()) pool.stop();
      await judge.stop();
    },
  };
}
