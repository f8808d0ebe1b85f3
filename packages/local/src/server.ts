/**
 * The local server: all of mjflow on one machine. It calls the functions that Lambda would run, with the same events,
 * on a local backend. There is no second code path: only the environment that `functions/composition/` reads is
 * different.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { parseCorsOrigins } from "@mjflow/core/cors";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { isLoopbackHost } from "@mjflow/core/loopback";
import type { QueueName } from "@mjflow/core/message";
import { type ProviderId, type Simulator, startSimulator } from "@mjflow/simulator/server";
import { VENDORS_PK } from "@mjflow/store/keys";
import { createAdmission } from "./admission.ts";
import { BACKUP_PATH, type BackupRoute, createBackupRoute } from "./backup.ts";
import { type BodyReader, continueLate, createBodyReader, needsBody } from "./body-budget.ts";
import { BUCKET_PATH, type BucketRoute, createBucketRoute } from "./bucket-route.ts";
import { cutOffVendors, cutOffWarning, publicUrlWarning, tunnelWarning } from "./callback-reach.ts";
import { createCallbackTest } from "./callback-test.ts";
import { type LocalServerConfig, MAX_PORT } from "./config.ts";
import { consoleSite, isConsole } from "./console.ts";
import { startCron } from "./cron.ts";
import { loadOrCreateSecret, lockFolder } from "./data-folder.ts";
import { documentationSite, isDocumentation } from "./documentation.ts";
import { answerDropped } from "./dropped-callbacks.ts";
import { type LocalBackend, startLocalBackend } from "./engine/backend.ts";
import { LOOPBACK } from "./engine/port.ts";
import { type MessageSource, startEventSourceMapping } from "./event-source-mapping.ts";
import { type Functions, importFunctions } from "./functions.ts";
import { type Handler, originForm, serveFunctionUrl } from "./lambda.ts";
import { close, listen, portOf, respondStarting, urlOf } from "./listener.ts";
import { BUCKET, TABLE } from "./provision.ts";
import { openTunnel } from "./tunnel.ts";
import { openTunnelGate } from "./tunnel-gate.ts";

export interface LocalServer {
  /** URL for this machine. */
  url: string;
  /** Why callbacks of real vendors cannot arrive; undefined if they can. */
  warning: string | undefined;
  apiKey: string;
  simulator: Simulator;
  /** Ids of the providers that are real vendors. */
  real: string[];
  /** The tunnel for callbacks; undefined without one. `tookMs`: duration of the test callback; unset if it did not arrive. */
  tunnel: { program: string; url: string; tookMs?: number } | undefined;
  /** The warning if a test callback to `MJFLOW_PUBLIC_URL` did not arrive. Undefined if it did, or if none was sent. */
  callbackTest: Promise<string | undefined>;
  /**
   * Builds the console and the documentation if they are missing or outdated, one after the other in processes of their own. The
   * first visit then waits for nothing.
   */
  prepareSites(): Promise<void>;
  /** Registers a callback for the end of the tunnel program. */
  onTunnelEnd(callback: (why: string) => void): void;
  /** Registers a callback for a crash of the local backend. After a crash the local server can only be restarted. */
  onCrash(callback: (why: string) => void): void;
  /** Waits for the work in progress, then stops the parts in reverse order of their start. */
  stop(): Promise<void>;
}

/**
 * Invocations at the same time per function. A submission or a webhook mostly waits, so a slot costs a promise. One vendor
 * account or app gets a quarter of the slots (`groupLimit`). An archive copy needs memory and disk.
 */
const SLOTS = { submit: 128, deliver: 128, archive: 4, deadletter: 2 } as const;

/** Time for a test callback to the public address, ms. A proxy may start after this server. */
const PUBLIC_URL_TEST_MS = 15_000;

/**
 * Starts the local server, at most once per process: the functions cache their clients for the life of the process, as
 * on Lambda.
 *
 * @throws ConfigError for errors that a person can fix, such as a folder or a port in use
 */
export async function startLocalServer(
  config: LocalServerConfig,
  providerIds: readonly string[],
): Promise<LocalServer> {
  const { dataDir, host = LOOPBACK } = config;
  // The steps are undone in reverse order, also if a later step fails, so that no backend keeps running after a failed
  // start.
  const cleanups: (() => unknown)[] = [lockFolder(dataDir)];
  const stop = async () => {
    const failures: unknown[] = [];
    for (const step of cleanups.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        // A failed step does not prevent the others, so the folder is always unlocked.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    const backend = await (config.startBackend?.() ?? startLocalBackend({ dataDir, acceptLoss: config.acceptLoss }));
    cleanups.push(() => backend.stop());
    const simulator = await startVendorSimulator(config);
    cleanups.push(() => simulator.stop());

    const server = await listen(config.port, host);
    cleanups.push(() => close(server));
    const url = urlOf(host, portOf(server));
    const gate = config.tunnel === undefined ? undefined : await openTunnelGate();
    cleanups.push(() => gate?.close());
    const tunnel = gate && (await openTunnel(config.tunnel!, gate.port, process.env));
    cleanups.push(() => tunnel?.stop());
    const callbackUrl = tunnel?.url ?? config.publicUrl ?? url;
    // The address of a tunnel is tested, so its text does not matter.
    const cutOff = tunnel ? [] : cutOffVendors(callbackUrl, config.providers);
    let warning = cutOff.length === 0 ? undefined : cutOffWarning(callbackUrl, cutOff);
    const apiKey = config.apiKey ?? loadOrCreateSecret(dataDir, "api.key", "mjk_");
    const simulated = (id: string) => ({
      baseUrl: simulator.baseUrl(id as ProviderId),
      apiKey: "simulated",
      simulated: true,
    });
    const providers = Object.fromEntries(providerIds.map((id) => [id, config.providers[id] ?? simulated(id)]));
    setLinkedResources({
      App: { name: "mjflow", stage: "local" },
      Table: { name: TABLE },
      SubmitQueue: { url: backend.queueUrls.submit },
      DeliverQueue: { url: backend.queueUrls.deliver },
      ArchiveQueue: { url: backend.queueUrls.archive },
      DeadLetters: { url: backend.queueUrls["dead-letters"] },
      // One process sweeps everything, so nothing is handed out.
      SweepQueue: { url: "" },
      RepairQueue: { url: "" },
      Blobs: { name: BUCKET },
      HookKey: { value: loadOrCreateSecret(dataDir, "hook.key") },
      PreviousHookKey: { value: "" },
      VaultKey: { value: loadOrCreateSecret(dataDir, "vault.key") },
      PreviousVaultKey: { value: "" },
      ApiKey: { value: apiKey },
      Providers: { value: JSON.stringify(providers) },
      TranslateKey: { value: config.translateKey ?? "" },
      Callback: { url: callbackUrl },
      Api: { url },
      Stream: { url },
    });
    const isSimulated = Object.keys(config.providers).length === 0 && !(await hasRealAccount(backend, simulator));
    setEndpointVariables(backend.endpoints, url, config, isSimulated ? simulator.url : undefined);

    const functions = await importFunctions(backend.ports);
    const bodies = createBodyReader({ budgetBytes: config.bodyBudgetBytes });
    gate?.serve(functions, bodies);
    const tested = gate && (await gate.test(callbackUrl));
    if (tested && "why" in tested) warning = tunnelWarning(callbackUrl, tested.why);
    const backup = createBackupRoute(dataDir, { url, callbackUrl, warning }, backend.backup);
    cleanups.push(() => backup.close());
    const corsOrigins = corsOriginsOf(process.env);
    // A tunnel passes only callbacks on, so links to files never have its address.
    const bucket = createBucketRoute({ ...backend.bucket, publicUrl: config.publicUrl ?? url, corsOrigins });
    const callbackTest = createCallbackTest();
    const prepareSites = serve(server, functions, { backup, bucket, bodies, onCallback: callbackTest.sees });
    // Simulated vendors call this server directly, so the public address matters only to real ones.
    const isTested = !tunnel && config.publicUrl !== undefined && Object.keys(config.providers).length > 0 && !warning;
    const publicTest = isTested ? callbackTest.run(callbackUrl, PUBLIC_URL_TEST_MS) : undefined;
    const mapping = (name: QueueName | "deadletter", source: MessageSource) => {
      const [handler, timeoutS, slots] = [functions[name], FUNCTION_TIMEOUT_S[name], SLOTS[name]];
      return startEventSourceMapping({ name, source, handler, timeoutS, batchSize: 1, slots });
    };
    const consumers = [
      mapping("submit", backend.source("submit")),
      mapping("deliver", backend.source("deliver")),
      mapping("archive", backend.source("archive")),
      mapping("deadletter", backend.source("dead-letters")),
      startCron("sweep", functions.sweep, config.sweepMs, FUNCTION_TIMEOUT_S.sweep),
    ];
    cleanups.push(() => Promise.all(consumers.map((consumer) => consumer.stop())));
    return {
      url,
      warning,
      apiKey,
      simulator,
      real: Object.keys(config.providers),
      tunnel: tunnel && { program: tunnel.program, url: tunnel.url, ...(tested && "tookMs" in tested && tested) },
      callbackTest: (async () => {
        const result = await publicTest;
        if (result === undefined || !("why" in result)) return undefined;
        const text = publicUrlWarning(callbackUrl, result.why);
        backup.warn(text);
        return text;
      })(),
      prepareSites,
      onTunnelEnd: (callback) => tunnel?.onEnd(callback),
      onCrash: backend.onCrash,
      stop,
    };
  } catch (error) {
    // The error of the start is reported, not an error of the cleanup.
    await stop().catch(() => {});
    throw error;
  }
}

/**
 * Starts the vendor simulator on the port after the local server's port, so that image links of earlier runs still
 * work. If that port is in use, another one is taken.
 */
async function startVendorSimulator({ dataDir, port, simulatorSpeed: speed }: LocalServerConfig): Promise<Simulator> {
  const options = { dataDir: join(dataDir, "simulator"), speed };
  if (port === 0 || port === MAX_PORT) return startSimulator(options);
  return startSimulator({ ...options, port: port + 1 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    return startSimulator(options);
  });
}

/** True if a vendor account that was added through the API has the URL of a real vendor. */
async function hasRealAccount({ ports }: LocalBackend, simulator: Simulator): Promise<boolean> {
  const accounts = (await ports?.table.partition(VENDORS_PK)) ?? [];
  return accounts.some(({ url }) => url?.S !== undefined && !url.S.startsWith(simulator.url));
}

// ── replacements of Lambda and SST ───────────────────────────────────────────────────────────────────────────────────

/** Sets the linked resources like SST does: `Resource.<Name>` reads these variables. */
function setLinkedResources(resources: Record<string, object>): void {
  for (const [name, value] of Object.entries(resources)) process.env[`SST_RESOURCE_${name}`] = JSON.stringify(value);
}

/** Sets the variables of the AWS SDK, so that the functions' clients use only the local backend. */
function setEndpointVariables(
  endpoints: LocalBackend["endpoints"],
  url: string,
  { timings, providers, publicUrl, host = LOOPBACK }: LocalServerConfig,
  simulatorUrl: string | undefined,
): void {
  const isPrivate = isLoopbackHost(host) && publicUrl === undefined;
  Object.assign(process.env, {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    ...endpoints,
    MJFLOW_TIMINGS: timings,
    // Links to images in webhooks must work where the receiver is.
    MJFLOW_API_URL: process.env["MJFLOW_API_URL"] || (publicUrl ?? url),
    // The object store listens on this machine alone. The local server passes signed requests on.
    MJFLOW_BUCKET_URL: publicUrl ?? url,
    MJFLOW_CORS_ORIGINS: [...new Set([...corsOriginsOf(process.env), ...ownOrigins(url)])].join(),
    // This server serves the console at the address of the API.
    MJFLOW_CONSOLE_URL: "/console",
    // An open stream is a promise in this process and costs nothing, so clients prefer it to reads.
    MJFLOW_STREAMS: "here",
    MJFLOW_DEFAULT_PROVIDER: process.env["MJFLOW_DEFAULT_PROVIDER"] || (Object.keys(providers)[0] ?? "simulator"),
    MJFLOW_PROGRESS: process.env["MJFLOW_PROGRESS"] ?? "on",
    MJFLOW_OUTBOUND_ALLOW: process.env["MJFLOW_OUTBOUND_ALLOW"] ?? outboundAllow(simulatorUrl, isPrivate),
    MJFLOW_LOG: process.env["MJFLOW_LOG"] ?? "warn",
  });
}

function corsOriginsOf(env: NodeJS.ProcessEnv): string[] {
  return parseCorsOrigins(env["MJFLOW_CORS_ORIGINS"] ?? "");
}

/** Origins of the console on this machine. With a public URL, links to files have another origin than the page. */
function ownOrigins(url: string): string[] {
  return [url, url.replace(`//${LOOPBACK}:`, "//localhost:")];
}

/** Origins of the links to files: the API's links lead to the bucket or to a CDN. */
function fileOriginsOf(env: NodeJS.ProcessEnv): string[] {
  const urls = [env["MJFLOW_API_URL"], env["MJFLOW_BUCKET_URL"], env["MJFLOW_CDN_URL"]];
  return urls.filter((url) => url !== undefined && url !== "").map((url) => new URL(url!).origin);
}

/**
 * Returns the addresses that mjflow may call although they are not public. While all vendors are simulated and only this
 * machine can connect, webhook receivers of this machine are allowed. Otherwise apps of others could reach every server
 * of this machine, so only the simulator's images are allowed.
 *
 * @param simulatorUrl undefined if one vendor is real
 */
function outboundAllow(simulatorUrl: string | undefined, isPrivate: boolean): string {
  if (simulatorUrl === undefined) return "";
  return isPrivate ? `${LOOPBACK}:*,localhost:*` : new URL(simulatorUrl).host;
}

// ── HTTP server ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Serves two function URLs, two static sites and the bucket on one port. The paths are those of vendors' callbacks, of the
 * console, of the documentation and of signed requests for objects. The API gets all other paths.
 */
function serve(
  server: Server,
  { api, callback, dropped }: Functions,
  {
    backup,
    bucket,
    bodies,
    onCallback,
  }: { backup: BackupRoute; bucket: BucketRoute; bodies: BodyReader; onCallback: (path: string) => void },
): () => Promise<void> {
  // Callbacks have turns of their own, so that no burst of an app delays the results of paid images. Most are dropped progress.
  const admissions = {
    api: createAdmission({ turnMs: 10, running: 32, waiting: 4_096 }),
    callback: createAdmission({ turnMs: 20, running: 256, waiting: 16_384 }),
  };
  const site = consoleSite({ fileOrigins: fileOriginsOf(process.env) });
  const documentation = documentationSite();
  const callFunction = (
    name: keyof typeof admissions,
    handler: Handler,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ) => {
    const options = { bodies, needsBody: needsBody(path, request) };
    const start = () =>
      serveFunctionUrl(name, handler, FUNCTION_TIMEOUT_S[name], request, response, options).catch(() => {
        response.destroy();
      });
    admissions[name].admit(request, response, start);
  };
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const path = originForm(request.url);
    // Nearly all requests are callbacks, so they are not compared with other paths.
    if (path.startsWith("/callbacks/")) {
      onCallback(path.split("?", 1)[0]!);
      return callFunction("callback", callback, path, request, response);
    }
    if (isConsole(path)) {
      site(request, response).catch(() => response.destroy());
      return;
    }
    if (isDocumentation(path) && documentation(request, response)) return;
    if (path === BACKUP_PATH) {
      backup.serve(request, response).catch(() => response.destroy());
      return;
    }
    if (path.startsWith(BUCKET_PATH)) {
      bucket.serve(request, response).catch(() => response.destroy());
      return;
    }
    callFunction("api", api, path, request, response);
  };
  server.off("request", respondStarting);
  answerDropped(server, dropped);
  server.on("request", respond);
  continueLate(server, respond);
  return async () => {
    await site.prepare();
    await documentation.prepare();
  };
}
