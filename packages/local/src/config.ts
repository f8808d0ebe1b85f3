/** What the environment may change about the house. Read once, here, and nowhere else in this package. */
import { TIMINGS } from "@mjflow/core/timing";
import { ENGINE_NAMES, type EngineName } from "./engine/name.ts";

export interface LocalServerConfig {
  /** 0: any free one. */
  port: number;
  dataDir: string;
  /** Made once and kept in the data folder when not given. */
  apiKey?: string;
  /** Where vendors reach the callback receiver; the house's own address when not given. */
  publicUrl?: string;
  /** Providers that are real; the simulator plays the others. */
  providers: Record<string, { baseUrl: string; apiKey: string }>;
  /** When not given: the one whose data the folder holds, else sqlite. */
  engine?: EngineName;
  timings: string;
  sweepMs: number;
  simulatorSpeed: number;
}

export const MAX_PORT = 65_535;

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Env = Record<string, string | undefined>;

/** @throws ConfigError naming the variable at fault; never its value, which may be a key. */
export function readConfig(env: Env, providerIds: readonly string[]): LocalServerConfig {
  const publicUrl = env["MJFLOW_PUBLIC_URL"];
  if (publicUrl !== undefined && !/^https?:\/\//.test(publicUrl)) {
    throw new ConfigError("MJFLOW_PUBLIC_URL must begin with http:// or https://");
  }
  const providers = Object.fromEntries(providerIds.flatMap((id) => providerOf(env, id) ?? []));
  return {
    port: numberOf(env, "MJFLOW_PORT", 4600, { max: MAX_PORT }),
    dataDir: env["MJFLOW_DATA_DIR"] || ".mjflow",
    ...(env["MJFLOW_API_KEY"] && { apiKey: env["MJFLOW_API_KEY"] }),
    ...(publicUrl && { publicUrl: publicUrl.replace(/\/+$/, "") }),
    providers,
    ...(env["MJFLOW_ENGINE"] && { engine: engineOf(env["MJFLOW_ENGINE"]) }),
    timings: timingsOf(env["MJFLOW_TIMINGS"], Object.keys(providers).length > 0),
    sweepMs: numberOf(env, "MJFLOW_SWEEP_MS", 1_000, { min: 1, max: 3_600_000 }),
    simulatorSpeed: speedOf(env, "MJFLOW_SIMULATOR_SPEED"),
  };
}

function engineOf(text: string): EngineName {
  const engine = ENGINE_NAMES.find((name) => name === text);
  if (!engine) throw new ConfigError(`MJFLOW_ENGINE must be one of ${ENGINE_NAMES.join(", ")}`);
  return engine;
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
 * The simulator's seconds where all vendors are simulated. With a real one the deployed table: what is short enough to
 * watch would send a real submission again while its picture is being drawn. JSON says what differs from that.
 */
function timingsOf(text: string | undefined, hasRealVendor: boolean): string {
  if (!text || text === "local") return hasRealVendor ? "{}" : "local";
  const differing = objectOf(text);
  if (!differing) throw new ConfigError("MJFLOW_TIMINGS must be a JSON object: what differs from the local timings");
  // A name mistyped would be passed over in silence, and the wait it meant would stay as it was.
  const stranger = Object.keys(differing).find((name) => name !== "base" && !Object.hasOwn(TIMINGS, name));
  if (stranger !== undefined) throw new ConfigError(`MJFLOW_TIMINGS: there is no timing ${JSON.stringify(stranger)}`);
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
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function speedOf(env: Env, name: string): number {
  const value = Number(env[name] || 1);
  if (!Number.isFinite(value) || value < 0) throw new ConfigError(`${name} must be a number, 0 or more`);
  return value;
}
