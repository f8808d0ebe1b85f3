/** Callback bodies of midjourney-proxy from the fixtures of packages/providers. */
import { readFileSync } from "node:fs";
import type { Result } from "@mjflow/core/report";
import { readCallback } from "@mjflow/providers/callback";

const fixture = (name: string) =>
  readFileSync(new URL(`../../../packages/providers/fixtures/${name}.json`, import.meta.url), "utf8");

export const PROGRESS = fixture("callback-in-progress-31.novicezk");
export const SUCCESS = fixture("callback-success.plus");
export const RESULT: Result = readCallback("simulator", SUCCESS)!.result;
