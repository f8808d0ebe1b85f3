/**
 * AWS's own emulator, DynamoDB Local, as a reference for the other engines. It needs Java and 350 MB of npm packages, so it
 * is not a dependency. The suite runs if `amplify-dynamodb-simulator` can be resolved, or if MJFLOW_DYNAMODB_LOCAL_JAR_DIR
 * names the folder of its DynamoDBLocal.jar. The emulator listens on every address and stores in memory until the suite ends.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { freePort, LOOPBACK } from "@mjflow/local/engine/port";

const JAR = "DynamoDBLocal.jar";
const READY_MS = 20_000;
const POLL_MS = 20;

export function findDynamoDbLocal(): { dir: string } | { reason: string } {
  const dir = process.env["MJFLOW_DYNAMODB_LOCAL_JAR_DIR"] ?? packaged();
  if (dir === undefined) return { reason: "MJFLOW_DYNAMODB_LOCAL_JAR_DIR is not set" };
  if (!existsSync(join(dir, JAR))) return { reason: `${JAR} is not in ${dir}` };
  if (spawnSync("java", ["-version"]).status !== 0) return { reason: "Java is not installed" };
  return { dir };
}

function packaged(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("amplify-dynamodb-simulator/package.json")), "emulator");
  } catch {
    return undefined;
  }
}

export async function startDynamoDbLocal(dir: string): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const port = await freePort();
  const options = [`-Djava.library.path=${join(dir, "DynamoDBLocal_lib")}`, "-jar", join(dir, JAR)];
  const child = spawn("java", [...options, "-inMemory", "-port", String(port)], { cwd: dir, stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  for (const until = Date.now() + READY_MS; !(await accepts(port)); ) {
    if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with ${child.exitCode}`);
    if (Date.now() > until) {
      await stop();
      throw new Error(`DynamoDB Local did not listen within ${READY_MS / 1_000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { endpoint: `http://${LOOPBACK}:${port}`, stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const finish = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => finish(true)).once("error", () => finish(false));
  });
}
