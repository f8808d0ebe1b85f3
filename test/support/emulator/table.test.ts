import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import {
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../../packages/local/test/test-folder.ts";
import { tableClient } from "./client.ts";
import { findDynoxide } from "./dynoxide.ts";
import { startTableEngine, type TableEngine, type TableEngineName, type TableEngineOptions } from "./table.ts";

async function start(options: TableEngineOptions): Promise<{ engine: TableEngine; client: DynamoDBClient }> {
  const engine = await startTableEngine(options);
  const client = tableClient(engine.endpoint);
  cleanUp.push(() => {
    client.destroy();
    return engine.stop();
  });
  return { engine, client };
}

const TableName = "kept";
const Item = { id: { S: "a" }, text: { S: "still here" } };

async function write(client: DynamoDBClient): Promise<void> {
  const AttributeDefinitions = [{ AttributeName: "id", AttributeType: "S" as const }];
  const KeySchema = [{ AttributeName: "id", KeyType: "HASH" as const }];
  await client.send(
    new CreateTableCommand({ TableName, AttributeDefinitions, KeySchema, BillingMode: "PAY_PER_REQUEST" }),
  );
  // An engine answers before the table is active, and rejects a write until then.
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
  await client.send(new PutItemCommand({ TableName, Item }));
}

async function read(client: DynamoDBClient): Promise<string | undefined> {
  const { Item: item } = await client.send(new GetItemCommand({ TableName, Key: { id: Item.id } }));
  return item?.["text"]?.S;
}

const engines: TableEngineName[] = findDynoxide() ? ["dynoxide", "dynalite"] : ["dynalite"];

describe.each(engines)("table engine %s", (name) => {
  test("the data survives a stop and a start", async () => {
    const dataDir = createTempFolder();
    const first = await start({ dataDir, engine: name });
    await write(first.client);
    await cleanUp.pop()!();
    const again = await start({ dataDir, engine: name });
    expect(await read(again.client)).toBe("still here");
  });

  test("the engine listens only on the loopback address", async () => {
    const { engine } = await start({ engine: name });
    const port = Number(new URL(engine.endpoint).port);
    expect(listeners(port)).toEqual(["127.0.0.1"]);
  });
});

test.skipIf(!findDynoxide())("the process of dynoxide ends with the process that started it", async () => {
  const { pid, exit } = await startElsewhere(createTempFolder());
  await exit();
  await expect.poll(() => isAlive(pid), { interval: 5 }).toBe(false);
});

/** Starts the engine from a separate Node process, which the test can kill. */
async function startElsewhere(dataDir: string) {
  const table = new URL("./table.ts", import.meta.url).href;
  const script = `
    const engine = await (await import(${JSON.stringify(table)})).startTableEngine({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(JSON.stringify({ pid: engine.pid }));
    process.stdin.once("data", () => process.exit(0));`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  cleanUp.push(() => parent.kill("SIGKILL"));
  const line = await new Promise<string>((resolve) => parent.stdout.once("data", (chunk) => resolve(String(chunk))));
  const { pid } = JSON.parse(line) as { pid: number };
  cleanUp.push(() => isAlive(pid) && process.kill(pid, "SIGKILL"));
  const gone = new Promise((resolve) => parent.once("exit", resolve));
  const exit = async () => {
    parent.stdin.write("end\n");
    await gone;
  };
  return { pid, exit };
}

/** Returns false for a zombie process too. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}

/**
 * Returns the addresses with a listener on this TCP port, as the kernel reports them. IPv4 addresses are decoded, IPv6
 * addresses are not.
 */
function listeners(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => readFileSync(file, "utf8").split("\n").slice(1));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => state === "0A" && local?.endsWith(`:${hex}`))
    .map(([, local]) => local!.split(":")[0]!)
    .map((ip) => (ip.length === 8 ? [6, 4, 2, 0].map((i) => Number.parseInt(ip.slice(i, i + 2), 16)).join(".") : ip));
}

test.skipIf(!findDynoxide())("onCrash is called if the engine process dies, but not after stop", async () => {
  const crashes: string[] = [];
  const killed = await startTableEngine({});
  const crash = new Promise<string>((resolve) => killed.onCrash(resolve));
  process.kill(killed.pid!, "SIGKILL");
  expect(await crash).toContain("SIGKILL");
  await killed.stop();
  const stopped = await startTableEngine({});
  stopped.onCrash((why) => crashes.push(why));
  await stopped.stop();
  expect(crashes).toEqual([]);
});
