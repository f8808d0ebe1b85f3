/** `mjflow import`: writes an export to the table and the bucket of a deployment. It can be interrupted and run again. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ImportError, type ImportResult, importRows } from "@mjflow/store/import-rows";
import { createTable, type Table } from "@mjflow/store/table";
import { ConfigError } from "../config-error.ts";
import { type Manifest, openExport, readObjects, readRows } from "./folder.ts";
import { createObjectStore, type ObjectStore } from "./objects.ts";

export interface ImportTarget {
  table: Table;
  objects: ObjectStore;
}

export interface ImportSummary {
  manifest: Manifest;
  rows: ImportResult;
  /** Objects that this run wrote. */
  objectsWritten: number;
}

/** Number of tries of one request, before the import itself waits. */
const MAX_ATTEMPTS = 5;

/** Opens the table and the bucket of a stage with the AWS credentials of this machine. */
export async function openStage(names: {
  table: string;
  bucket: string;
  region: string;
}): Promise<ImportTarget & { close(): void }> {
  const { S3Client } = await import("@aws-sdk/client-s3");
  const options = { region: names.region, maxAttempts: MAX_ATTEMPTS };
  // The SDK reads the addresses of emulators itself. A bucket there has no DNS name of its own.
  const forcePathStyle = Boolean(process.env["AWS_ENDPOINT_URL_S3"] || process.env["AWS_ENDPOINT_URL"]);
  const [dynamo, s3] = [new DynamoDBClient(options), new S3Client({ ...options, forcePathStyle })];
  return {
    table: createTable({ client: dynamo, table: names.table }),
    objects: await createObjectStore(s3, names.bucket),
    close() {
      dynamo.destroy();
      s3.destroy();
    },
  };
}

/**
 * The objects are stored before the rows that name them. A dry run reads both sides and writes nothing.
 *
 * @throws ConfigError if the folder is not a complete export, or if the deployment has other data under the same keys
 */
export async function importFolder(
  folder: string,
  { table, objects }: ImportTarget,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<ImportSummary> {
  const manifest = await openExport(folder);
  const run = (isDry: boolean) => importRows({ table }, manifest.exportId, () => readRows(folder), { dryRun: isDry });
  try {
    // A table that refuses the rows must not get the objects.
    const checked = await run(true);
    if (dryRun || checked.state === "before") return { manifest, rows: checked, objectsWritten: 0 };
    const objectsWritten = await writeObjects(folder, objects);
    return { manifest, rows: await run(false), objectsWritten };
  } catch (error) {
    throw refusal(error) ?? error;
  }
}

/** What a person can fix, by the name of the SDK's error. */
const ADVICE: Readonly<Record<string, string>> = {
  ResourceNotFoundException: "There is no such table in this region. Check --table and --region.",
  NoSuchBucket: "There is no such bucket. Check --bucket.",
  AccessDeniedException: "The AWS credentials may not read or write the table.",
  AccessDenied: "The AWS credentials may not read or write the bucket.",
  CredentialsProviderError: "This machine has no AWS credentials. Set AWS_PROFILE, or sign in with aws sso login.",
  ExpiredTokenException: "The AWS credentials have expired. Sign in again.",
  UnrecognizedClientException: "AWS does not know these credentials.",
};

function refusal(error: unknown): ConfigError | undefined {
  if (error instanceof ImportError) return new ConfigError(error.message);
  const advice = error instanceof Error && Object.hasOwn(ADVICE, error.name) ? ADVICE[error.name] : undefined;
  return advice === undefined ? undefined : new ConfigError(`${advice} (${(error as Error).message})`);
}

/** An object under a key never changes, so one that exists is that of an earlier run. */
async function writeObjects(folder: string, store: ObjectStore): Promise<number> {
  let written = 0;
  for await (const { key, file, sha256, ...headers } of readObjects(folder)) {
    if (await store.has(key)) continue;
    const body = readFileSync(join(folder, file));
    if (createHash("sha256").update(body).digest("hex") !== sha256) {
      throw new ConfigError(`${join(folder, file)} has changed during the import. Copy the folder again.`);
    }
    await store.put(key, body, headers);
    written++;
  }
  return written;
}
