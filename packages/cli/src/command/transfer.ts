/** `mjflow export` and `mjflow import`: move the data of a self-hosted server to a deployment on AWS. */
import { resolve } from "node:path";
import type { Contents } from "@mjflow/local/transfer/folder";
import { command, type Option } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../usage-error.ts";

const EXPORT_OPTIONS = {
  data: { type: "string", value: "FOLDER", help: "data folder (MJFLOW_DATA_DIR, .mjflow)" },
} as const satisfies Record<string, Option>;

export const exportData = command({
  name: "export",
  summary: "write the data of a stopped local server to a folder, to move it to AWS",
  usage: ["NEW-FOLDER [--data FOLDER]"],
  argCount: [1, 1],
  options: EXPORT_OPTIONS,
  notes: `
Stop the server first. It does not start with this data folder again, because two servers would pay twice for the same tasks.
Secrets stay encrypted and API keys are hashes, but the folder has prompts and images: keep it secret.`,
  async run(context, { values: { data }, positionals: [target] }) {
    const { cwd, env } = context.platform;
    const dataDir = resolve(cwd, data ?? (env["MJFLOW_DATA_DIR"] || ".mjflow"));
    const { exportFolder } = await import("@mjflow/local/transfer/export");
    const made = await exportFolder(dataDir, resolve(cwd, target!)).catch(usageError("export"));
    context.show({ ...made, dataDir }, () => [
      `✓ ${made.folder}`,
      ...linesOf(made.contents),
      `  ${dataDir} is marked as exported; no server starts with it`,
    ]);
    return EXIT.ok;
  },
});

const IMPORT_OPTIONS = {
  table: { type: "string", value: "NAME", help: "name of the table of the stage" },
  bucket: { type: "string", value: "NAME", help: "name of the bucket of the stage" },
  region: { type: "string", value: "REGION", help: "region of the stage (AWS_REGION)" },
  "dry-run": { type: "boolean", help: "read both sides, write nothing" },
} as const satisfies Record<string, Option>;

export const importData = command({
  name: "import",
  summary: "write an export of a local server to a new stage on AWS",
  usage: ["FOLDER --table NAME --bucket NAME [--region REGION] [--dry-run]"],
  argCount: [1, 1],
  options: IMPORT_OPTIONS,
  notes: `
It uses the AWS credentials of this machine. An interrupted import continues when it is started again. It overwrites no row:
it refuses a stage that has other data under the same keys. docs/self-hosting.md has all steps.`,
  async run(context, { values, positionals: [folder] }) {
    const { table: TableName, bucket: Bucket, "dry-run": dryRun = false } = values;
    const region = values.region ?? context.platform.env["AWS_REGION"];
    if (TableName === undefined) throw new UsageError("--table is missing", "import");
    if (Bucket === undefined) throw new UsageError("--bucket is missing", "import");
    if (!region) throw new UsageError("Set --region or AWS_REGION", "import");
    const { importFolder, openStage } = await import("@mjflow/local/transfer/import");
    const stage = await openStage({ table: TableName, bucket: Bucket, region });
    try {
      const source = resolve(context.platform.cwd, folder!);
      const made = await importFolder(source, stage, { dryRun }).catch(usageError("import"));
      const { manifest, rows, objectsWritten } = made;
      context.show({ exportId: manifest.exportId, contents: manifest.contents, rows, objectsWritten }, () => [
        {
          checked: "✓ nothing stops this import; nothing was written",
          done: "✓ imported",
          before: "✓ imported before",
        }[rows.state],
        ...linesOf(manifest.contents),
        ...(rows.state === "checked"
          ? [`  about ${rows.rows * 2} writes, ${rows.bytes.toLocaleString("en")} bytes`]
          : []),
        ...(rows.state === "done"
          ? [`  ${rows.written} rows and ${objectsWritten} objects written, ${rows.found + rows.newer} rows were there`]
          : []),
      ]);
      return EXIT.ok;
    } finally {
      stage.close();
    }
  },
});

function usageError(name: string) {
  return (error: Error): never => {
    throw error.name === "ConfigError" ? new UsageError(error.message, name) : error;
  };
}

function linesOf({ apps, flows, running, tasks, objects, unfinished }: Contents): string[] {
  const accounts = Object.entries(unfinished).map(([account, count]) => `${account} (${count})`);
  return [
    `  ${apps} apps, ${flows} flows with ${tasks} tasks, ${objects} objects; ${running} flows are running`,
    ...(accounts.length > 0 ? [`  unfinished tasks need these vendor accounts: ${accounts.join(", ")}`] : []),
  ];
}
