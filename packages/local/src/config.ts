/** Settings of the local server from environment variables. Only this function of the package reads them. */
import { isIP } from "node:net";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { checked, checkedSetting, FORMATS, type SettingName, wholeNumber } from "@mjflow/core/setting";
import { TIMINGS } from "@mjflow/core/timing";
import { BODY_BUDGET_BYTES } from "./body-budget.ts";
import { ConfigError } from "./config-error.ts";
import type { LocalBackend } from "./engine/backend.ts";
import { LOOPBACK } from "./engine/port.ts";
import { unknownSetting } from "./setting.ts";

export { ConfigError } from "./config-error.ts";

export interface LocalServerConfig {
  /** Address to listen on; unset: loopback, so that no other machine can connect. */
  host?: string;
  /** TCP port; 0: any free port. */
  port: number;
  dataDir: string;
  /** Operator key; unset: created once and stored in the data folder. */
  apiKey?: string;
  /** Base URL under which vendors reach the callback function; unset: the local server's own address. */
  publicUrl?: string;
  /** `on`, or the command of a tunnel program with `{port}`; unset: no tunnel. */
  tunnel?: string;
  /** Real vendors; all other providers are simulated. */
  providers: Record<string, { baseUrl: string; apiKey: string }>;
  /** Key of the translator of prompts; unset: it needs none, or there is none. */
  translateKey?: string;
  /** Starts another local backend, for tests; unset: SQLite in the data folder. */
  startBackend?: () => Promise<LocalBackend>;
  /** Accepts one loss of data that the start reports, see folder-check.ts. */
  acceptLoss?: string;
  /** Budget of all request bodies that are in memory at one time, bytes; unset: 64 MB. */
  bodyBudgetBytes?: number;
  timings: string;
  sweepMs: number;
  simulatorSpeed: number;
}

export const MAX_PORT = 65_535;
const MB = 1024 * 1024;

type Env = Record<string, string | undefined>;

/** @throws ConfigError that names the invalid variable but never its value, which may be a key */
export function readConfig(env: Env, providerIds: readonly string[]): LocalServerConfig {
  const unknown = unknownSetting(env, providerIds);
  if (unknown !== undefined) throw new ConfigError(unknown);
  const publicUrl = env["MJFLOW_PUBLIC_URL"];
  if (publicUrl !== undefined && !/^https?:\/\//.test(publicUrl)) {
    throw new ConfigError("MJFLOW_PUBLIC_URL must start with http:// or https://");
  }
  assertFormats(env);
  const providers = Object.fromEntries(providerIds.flatMap((id) => providerOf(env, id) ?? []));
  return {
    host: hostOf(env["MJFLOW_HOST"]),
    port: numberOf(env, "MJFLOW_PORT", 4600, { max: MAX_PORT }),
    dataDir: env["MJFLOW_DATA_DIR"] || ".mjflow",
    ...(env["MJFLOW_API_KEY"] && { apiKey: env["MJFLOW_API_KEY"] }),
    ...(publicUrl && { publicUrl: withoutEndSlashes(publicUrl) }),
    ...tunnelOf(env),
    providers,
    ...translateKeyOf(env),
    ...(env["MJFLOW_ACCEPT_LOSS"] && { acceptLoss: env["MJFLOW_ACCEPT_LOSS"] }),
    bodyBudgetBytes: numberOf(env, "MJFLOW_BODY_BUDGET_MB", BODY_BUDGET_BYTES / MB, { min: 8, max: 4_096 }) * MB,
    timings: timingsOf(env["MJFLOW_TIMINGS"], Object.keys(providers).length > 0),
    sweepMs: numberOf(env, "MJFLOW_SWEEP_MS", 1_000, { min: 1, max: 3_600_000 }),
    simulatorSpeed: speedOf(env, "MJFLOW_SIMULATOR_SPEED"),
  };
}

/** A tunnel gives the callback URL, so no other setting may give one. */
function tunnelOf(env: Env): Pick<LocalServerConfig, "tunnel"> {
  const tunnel = env["MJFLOW_TUNNEL"]?.trim();
  if (!tunnel || tunnel === "off") return {};
  const other = ["MJFLOW_PUBLIC_URL", "MJFLOW_CALLBACK_URL"].find((name) => env[name]);
  if (other !== undefined)
    throw new ConfigError(`${other} is set, so callbacks need no tunnel. Remove ${other} or the tunnel`);
  if (tunnel !== "on" && !tunnel.includes("{port}")) {
    throw new ConfigError("MJFLOW_TUNNEL must be on, off, or the command of a tunnel program with {port} in it");
  }
  return { tunnel };
}

/** The API function reads the other settings of the translator itself. */
function translateKeyOf(env: Env): Pick<LocalServerConfig, "translateKey"> {
  const { MJFLOW_TRANSLATE_URL: url, MJFLOW_TRANSLATE_MODEL: model, MJFLOW_TRANSLATE_KEY: translateKey } = env;
  if (!url && !model && !translateKey) return {};
  if (!url || !model) throw new ConfigError("MJFLOW_TRANSLATE_URL and MJFLOW_TRANSLATE_MODEL must be set together");
  if (!/^https?:/.test(url)) {
    throw new ConfigError("MJFLOW_TRANSLATE_URL must start with http:// or https://");
  }
  return translateKey ? { translateKey } : {};
}

/** The functions read these settings themselves. An invalid value must stop the start, not every request. */
function assertFormats(env: Env): void {
  for (const name of Object.keys(FORMATS) as SettingName[]) asConfigError(() => checkedSetting(env, name));
}

function asConfigError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function hostOf(text: string | undefined): string {
  const host = text?.trim() || LOOPBACK;
  if (isIP(host) === 0 && host !== "localhost") {
    throw new ConfigError("MJFLOW_HOST must be an IP address of this machine, for example 0.0.0.0 for all addresses");
  }
  return host;
}

function providerOf(env: Env, id: string): [string, { baseUrl: string; apiKey: string }][] | undefined {
  const prefix = `MJFLOW_${id.toUpperCase().replaceAll("-", "_")}`;
  const baseUrl = env[`${prefix}_BASE_URL`];
  const apiKey = env[`${prefix}_KEY`];
  if (!baseUrl && !apiKey) return undefined;
  if (!baseUrl) throw new ConfigError(`${prefix}_KEY is set without ${prefix}_BASE_URL`);
  if (!apiKey) throw new ConfigError(`${prefix}_BASE_URL is set without ${prefix}_KEY`);
  return [[id, { baseUrl, apiKey }]];
}

/**
 * Returns the timings: the short local timings if all vendors are simulated, the deployed timings if one vendor is
 * real. Short timings would submit a task to a real vendor again while the vendor still draws its image. A JSON object
 * overrides single timings.
 */
function timingsOf(text: string | undefined, hasRealVendor: boolean): string {
  if (!text || text === "local") return hasRealVendor ? "{}" : "local";
  const differing = objectOf(text);
  if (!differing) throw new ConfigError("MJFLOW_TIMINGS must be a JSON object with the timings to change");
  // An unknown name is an error. If it were ignored, the intended timing would keep its default.
  const unknownName = Object.keys(differing).find((name) => name !== "base" && !Object.hasOwn(TIMINGS, name));
  if (unknownName !== undefined)
    throw new ConfigError(`MJFLOW_TIMINGS: there is no timing ${JSON.stringify(unknownName)}`);
  return JSON.stringify({ ...(!hasRealVendor && { base: "local" }), ...differing });
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function numberOf(env: Env, name: string, fallback: number, { min = 0, max }: { min?: number; max: number }): number {
  return Number(asConfigError(() => checked(env, name, wholeNumber(min, max))) ?? fallback);
}

function speedOf(env: Env, name: string): number {
  const value = Number(env[name] || 1);
  if (!Number.isFinite(value) || value < 0) throw new ConfigError(`${name} must be a number, 0 or more`);
  return value;
}
