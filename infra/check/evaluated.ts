import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Infra } from "./model.ts";

/** All settings of a deployment, each with a value. */
export const EVERYTHING = {
  MJFLOW_ALARMS: "on",
  MJFLOW_ALARM_EMAIL: "ops@example.com",
  MJFLOW_ALARM_WRITE_UNITS: "5000",
  MJFLOW_API_DOMAIN: "api.example.com",
  MJFLOW_API_RATE_LIMIT: "3000",
  MJFLOW_API_URL: "https://api.example.com",
  MJFLOW_ARCHIVE: "on",
  MJFLOW_ARCHIVE_CONCURRENCY: "60",
  MJFLOW_BANNED_WORDS: "blue movie, nude",
  MJFLOW_BUDGET_USD: "250",
  MJFLOW_BUS: "on",
  MJFLOW_RECURSIVE_LOOP: "terminate",
  MJFLOW_FAN_OUT: "each",
  MJFLOW_CALL_SLOTS: "on",
  MJFLOW_CALLBACK_CONCURRENCY: "500",
  MJFLOW_CALLBACK_DOMAIN: "callbacks.example.com",
  MJFLOW_CALLBACK_URL: "https://proxy.example.com",
  MJFLOW_CONSOLE_CERTIFICATE: "arn:aws:acm:us-east-1:123456789012:certificate/1",
  MJFLOW_CONSOLE_URL: "https://console.example.com",
  MJFLOW_CDN_URL: "https://img.example.com",
  MJFLOW_CORS_ORIGINS: "https://shop.example.com,http://localhost:3000",
  MJFLOW_DEFAULT_PROVIDER: "cometapi",
  MJFLOW_DELIVER_CONCURRENCY: "100",
  MJFLOW_DELIVERY_LOG: "off",
  MJFLOW_DOMAIN_CERTIFICATE: "arn:aws:acm:us-east-1:123456789012:certificate/2",
  MJFLOW_DUE_SHARDS: "32",
  MJFLOW_FACADE_NOTIFY_HOOK: "https://app.example.com/mj",
  MJFLOW_WEBHOOK_FIRST_TIMEOUT_S: "5",
  MJFLOW_LAMBDA_QUOTA: "3000",
  MJFLOW_LOG: "warn",
  MJFLOW_MJ_PUBLIC_IMAGES: "app_default",
  MJFLOW_OUTBOUND_ALLOW: "hooks.internal.example:8443",
  MJFLOW_PREVIOUS_CALLBACK_DOMAIN: "hooks.example.com",
  MJFLOW_PROGRESS: "on",
  MJFLOW_RESERVE_WORKERS: "on",
  MJFLOW_RESUBMIT: "never",
  MJFLOW_STREAM_CONCURRENCY: "200",
  MJFLOW_STREAM_DOMAIN: "streams.example.com",
  MJFLOW_STREAMS_PER_APP: "20",
  MJFLOW_STREAM_URL: "https://streams.example.com",
  MJFLOW_TRANSLATE_MODEL: "gpt-5-mini",
  MJFLOW_TRANSLATE_URL: "https://api.example.com/v1",
  MJFLOW_TRIAL_STAGE: "skip",
  MJFLOW_SUBMIT_CONCURRENCY: "400",
  MJFLOW_SWEEP_CONCURRENCY: "40",
  MJFLOW_WARM_READ_UNITS: "20000",
  MJFLOW_WARM_WRITE_UNITS: "12000",
};

const script = fileURLToPath(new URL("evaluate.mjs", import.meta.url));

/**
 * Returns the resources that a deployment of this stage would create.
 *
 * @throws Error if the deployment would fail
 */
export async function evaluated(stage: string, options: Options = {}): Promise<Infra> {
  return (await evaluatedWithOutput(stage, options)).infra;
}

interface Options {
  env?: Record<string, string>;
  flags?: string[];
  /** What the deployment before has made. Unset: this is the first one. */
  state?: Pick<Infra, "resources">;
}

/** Also returns what the deployment would print to standard error. */
export async function evaluatedWithOutput(
  stage: string,
  { env = {}, flags = [], state }: Options = {},
): Promise<{ infra: Infra; printed: string }> {
  // Settings of the developer's own stage must not influence the check.
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MJFLOW_")));
  const folder = await mkdtemp(path.join(tmpdir(), "mjflow-infra-"));
  try {
    const out = path.join(folder, "infra.json");
    const args = [script, "--stage", stage, "--out", out, ...flags];
    if (state) {
      const before = path.join(folder, "state.json");
      await writeFile(before, JSON.stringify(state));
      args.push("--state", before);
    }
    const { stderr } = await promisify(execFile)(process.execPath, args, {
      env: { ...plain, ...env },
    });
    return { infra: JSON.parse(await readFile(out, "utf8")) as Infra, printed: stderr };
  } finally {
    await rm(folder, { recursive: true });
  }
}
