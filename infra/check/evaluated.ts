import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Infra } from "./model.ts";

const script = fileURLToPath(new URL("evaluate.mjs", import.meta.url));

/** What a deployment of this stage would ask AWS for. @throws Error as the deployment would */
export async function evaluated(stage: string, env: Record<string, string> = {}): Promise<Infra> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--stage", stage], {
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Infra;
}
