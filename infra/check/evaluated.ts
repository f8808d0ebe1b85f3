import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Infra } from "./model.ts";

const script = fileURLToPath(new URL("evaluate.mjs", import.meta.url));

/**
 * What a deployment of this stage would ask AWS for.
 *
 * @throws Error as the deployment would
 */
export async function evaluated(
  stage: string,
  { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
): Promise<Infra> {
  const folder = await mkdtemp(path.join(tmpdir(), "mjflow-infra-"));
  try {
    const out = path.join(folder, "infra.json");
    await promisify(execFile)(process.execPath, [script, "--stage", stage, "--out", out, ...flags], {
      env: { ...process.env, ...env },
    });
    return JSON.parse(await readFile(out, "utf8")) as Infra;
  } finally {
    await rm(folder, { recursive: true });
  }
}
