/** What the environment may change about the house. Read once, here, and nowhere else in this package. */

export interface HouseConfig {
  /** 0: any free one. */
  port: number;
  dataDir: string;
  /** Made once and kept in the data folder when not given. */
  apiKey?: string;
  /** Where vendors reach the callback receiver; the house's own address when not given. */
  publicUrl?: string;
  /** Providers that are real; the simulator plays the others. */
  providers: Record<string, { baseUrl: string; apiKey: string }>;
  timings: string;
  sweepMs: number;
  simulatorSpeed: number;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Env = Record<string, string | undefined>;

/** @throws ConfigError naming the variable at fault; never its value, which may be a key. */
export function readConfig(env: Env, providerIds: readonly string[]): HouseConfig {
  const publicUrl = env["MJFLOW_PUBLIC_URL"];
  if (publicUrl !== undefined && !/^https?:\/\//.test(publicUrl)) {
    throw new ConfigError("MJFLOW_PUBLIC_URL must begin with http:// or https://");
  }
  const providers = Object.fromEntries(providerIds.flatMap((id) => providerOf(env, id) ?? []));
  return {
    port: numberOf(env, "MJFLOW_PORT", 4600, 65_535),
    dataDir: env["MJFLOW_DATA_DIR"] || ".mjflow",
    ...(env["MJFLOW_API_KEY"] && { apiKey: env["MJFLOW_API_KEY"] }),
    ...(publicUrl && { publicUrl: publicUrl.replace(/\/+$/, "") }),
    providers,
    timings: timingsOf(env["MJFLOW_TIMINGS"], Object.keys(providers).length > 0),
    sweepMs: numberOf(env, "MJFLOW_SWEEP_MS", 1_000, 3_600_000),
    simulatorSpeed: Number(env["MJFLOW_SIMULATOR_SPEED"] ?? 1),
  };
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
  try {
    return JSON.stringify({ ...(!hasRealVendor && { base: "local" }), ...(JSON.parse(text) as object) });
  } catch {
    throw new ConfigError("MJFLOW_TIMINGS must be JSON: what differs from the local timings");
  }
}

function numberOf(env: Env, name: string, fallback: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new ConfigError(`${name} must be a number up to ${max}`);
  return value;
}
