/**
 * HTTP server of the simulator.
 *
 *   const simulator = await startSimulator({ seed: 7 });
 *   const fault = simulator.arm({ kind: "copy-callback", status: "SUCCESS", copies: 3 });
 *   await fetch(`${simulator.baseUrl("simulator")}/mj/submit/imagine`, { method: "POST", body: '{"prompt":"a boat"}' });
 *   await simulator.waitFor((ledger) => ledger.counts.tasks === 1);
 *   await simulator.stop();
 *
 * This file handles sockets, size limits and the composition of the parts. It contains no rules of verbs or vendors.
 */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CallbackFormat, createCallbackSender, dialectCallbacks } from "./callback.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createControl } from "./control.ts";
import { type Dialect, SUBMIT_VERBS, variantOf } from "./dialect.ts";
import { DIALECTS } from "./dialects/registry.ts";
import { FAMILIES } from "./families/registry.ts";
import { createFamilyVendor } from "./families/vendor.ts";
import { type ArmedFault, createFaults, type FaultSpec, parseFault } from "./fault.ts";
import { createGallery, emptyVideo, type ImageSpec, ratioOf } from "./image.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createTaskLifecycle } from "./lifecycle.ts";
import { createPoster } from "./post.ts";
import { type DialectId, type FamilyId, isFamilyId, isProviderId, PROVIDER_IDS, type ProviderId } from "./provider.ts";
import { seededRandom } from "./random.ts";
import { damaged, errorsOf, type SimulatorResponse } from "./response.ts";
import { routeOf } from "./route.ts";
import { parseScenario, type Scenario } from "./scenario.ts";
import { memoryStore, sqliteStore } from "./store.ts";
import { createSubmitSteps } from "./submit-step.ts";
import { isEnded, type Task } from "./task.ts";
import { createVendor, type Outcome } from "./vendor.ts";

export type { Clock, ManualClock } from "./clock.ts";
export { manualClock, systemClock } from "./clock.ts";
export type { ArmedFault, FaultKind, FaultSpec } from "./fault.ts";
export type { CallbackPost, Counts, Ledger, Lookup, Submission } from "./ledger.ts";
export { DIALECT_IDS, type DialectId, FAMILY_IDS, type FamilyId, PROVIDER_IDS, type ProviderId } from "./provider.ts";
export type { Scenario } from "./scenario.ts";
export type { Task } from "./task.ts";

export interface SimulatorOptions {
  /** TCP port. 0, the default, selects a free port. */
  port?: number;
  /** Host to listen on. Default: loopback. Do not change it: the simulator sends callbacks to any address. */
  host?: string;
  /** Folder in which tasks and ledger survive a restart and `kill -9`. Default: in memory. */
  dataDir?: string;
  seed?: number;
  /** Factor of all durations: 0.1 is ten times faster, 2 is twice as slow, 0 does not wait. Default 1. */
  speed?: number;
  clock?: Clock;
  scenarios?: Partial<Record<ProviderId, Scenario>>;
  log?: (line: Record<string, unknown>) => void;
}

export interface Simulator {
  url: string;
  seed: number;
  baseUrl(provider: ProviderId): string;
  /** Adds a fault. The field `fired` of the returned object is updated in place. */
  arm(fault: FaultSpec): ArmedFault;
  faults(): ArmedFault[];
  disarm(): void;
  /** Replaces the vendor's scenario. */
  scenario(provider: ProviderId, scenario: Scenario): void;
  ledger(): Ledger;
  /** Returns the current state of a task for assertions; undefined if the task does not exist. */
  task(id: string): Task | undefined;
  /** Resolves when every callback that is due was sent and answered. */
  callbacksAnswered(): Promise<void>;
  /** Resolves when the predicate is true. It is checked at every submission, look-up, callback and step of a task. */
  waitFor(predicate: (ledger: Ledger) => boolean, timeoutMs?: number): Promise<Ledger>;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 20 * 1024 * 1024;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0, clock = systemClock, speed = 1, log = () => {} } = options;
  const seed = options.seed ?? 1;
  const scenarios = new Map<ProviderId, Scenario>();
  for (const id of PROVIDER_IDS) scenarios.set(id, valid(parseScenario(options.scenarios?.[id] ?? {})));

  let url = "";
  const origin = () => url;
  const scenarioOf = (id: ProviderId) => scenarios.get(id) ?? {};
  const dialectOf = (id: DialectId): Dialect => variantOf(DIALECTS[id], scenarioOf(id).variant);
  const formatOf = (id: ProviderId): CallbackFormat =>
    isFamilyId(id) ? FAMILIES[id].callbacks(scenarioOf(id)) : dialectCallbacks(dialectOf(id));

  const store = options.dataDir === undefined ? memoryStore() : sqliteStore(options.dataDir);
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const check of watchers) check();
  };
  const ledger = createLedger(store.entries(), (entry) => {
    store.append(entry);
    if (entry.kind === "submission") {
      const { provider, verb, taskId, action, code, outcome, fault } = entry.row;
      log({ event: "submission", provider, verb, action, taskId, code, outcome, fault });
    }
    changed();
  });

  const random = seededRandom(seed);
  const faults = createFaults();
  const poster = createPoster();
  const notifier = createCallbackSender({
    clock,
    faults,
    ledger,
    poster,
    random,
    speed,
    origin,
    formatOf: (task) => formatOf(task.provider),
  });
  const life = createTaskLifecycle({
    clock,
    store,
    random,
    speed,
    scenarioOf,
    moved(task) {
      if (isEnded(task.status)) log({ event: "end", provider: task.provider, taskId: task.id, status: task.status });
      notifier.notify(task);
      families.moved(task);
      changed();
    },
  });
  const steps = createSubmitSteps({ clock, life, faults, notifier });
  const vendor = createVendor({ clock, life, faults, ledger, steps, random, speed, origin });
  const families = createFamilyVendor({ clock, life, faults, ledger, steps, speed, origin });
  const gallery = createGallery();

  function clearLedger(): void {
    store.deleteEntries();
    ledger.clear();
    changed();
  }

  function setScenario(id: ProviderId, scenario: Scenario): void {
    scenarios.set(id, scenario);
    steps.resetCredit(id);
  }

  const baseUrl = (id: ProviderId) => `${url}/${id}`;
  const control = createControl({ ledger, clearLedger, faults, life, scenarioOf, setScenario, baseUrl });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = URL.parse(request.url ?? "/", "http://simulator.invalid");
    const method = request.method ?? "GET";
    if (!target) return send(response, text(400, "Bad request line."));
    const [, segment = "", ...rest] = target.pathname.split("/");

    const body = await bodyOf(request);
    if (body === undefined) return send(response, { ...text(413, "The body is larger than 20 MB."), close: true });

    if (segment === "_sim") {
      const controlled = control.handle(method, target.pathname, body);
      return send(response, {
        status: controlled.status,
        contentType: "application/json",
        body: JSON.stringify(controlled.body),
      });
    }
    if (segment === "images") return send(response, image(rest[0] ?? "", target.searchParams));
    if (segment === "videos") return send(response, { status: 200, contentType: "video/mp4", body: emptyVideo() });
    if (!isProviderId(segment)) return send(response, segment === "" ? text(200, welcome()) : text(404, welcome()));

    const path = `/${rest.join("/")}`;
    if (isFamilyId(segment))
      return finish(await familyCall(segment, request, { method, path, body, query: target.searchParams }));
    const dialect = dialectOf(segment);
    const route = routeOf(dialect, method, path);
    if (!route) return send(response, errorsOf(dialect).noRoute(method, path));
    // Images of the relay need no key in the known versions (docs/protocol.md 3.6).
    if (route.verb === "image") return send(response, image(route.id ?? "", target.searchParams));
    const key = keyOf(request, dialect);
    if (key === undefined ? !dialect.auth.optional : key === "wrong-key") {
      return send(response, errorsOf(dialect).unauthorized(key === undefined));
    }

    const ids = target.searchParams.getAll("ids").flatMap((value) => value.split(","));
    const call = {
      dialect,
      scenario: scenarioOf(segment),
      route,
      body: body === "" && ids.length > 0 ? JSON.stringify({ ids }) : body,
      idempotencyKey: request.headers["idempotency-key"]?.toString(),
    };
    finish(await respond(call));

    function finish(outcome: Outcome): void {
      if (outcome === "drop") return void request.socket.destroy();
      const { damage } = scenarioOf(segment as ProviderId);
      if (outcome !== "hang") send(response, isJson(outcome) ? damaged(outcome, damage) : outcome);
    }
  }

  function familyCall(
    id: FamilyId,
    { headers }: IncomingMessage,
    { body, ...rest }: { method: string; path: string; query: URLSearchParams; body: string },
  ): Promise<Outcome> {
    const family = FAMILIES[id];
    const key = keyIn(headers[family.keyHeader]);
    const request = { ...rest, accept: headers.accept ?? "" };
    return families.handle({ family, scenario: scenarioOf(id), request, body, key });
  }

  function respond(call: Parameters<typeof vendor.cancel>[0]): Promise<Outcome> {
    const { verb } = call.route;
    if (verb === "cancel") return vendor.cancel(call);
    const submit = SUBMIT_VERBS.find((known) => known === verb);
    return submit ? vendor.submit(call, submit) : vendor.lookup(call, verb as "fetch");
  }

  function image(name: string, query: URLSearchParams): Sent {
    const id = name.replace(/\.png$/u, "");
    const spec = imageSpecOf(id, life.find(id), query);
    return spec
      ? { status: 200, contentType: "image/png", body: gallery(spec) }
      : text(404, "The image does not exist.");
  }

  function welcome(): string {
    const bases = PROVIDER_IDS.map((id) => `  ${baseUrl(id)}`).join("\n");
    return `mjflow simulator, seed ${seed}. Vendors:\n${bases}\nControl: ${url}/_sim\n`;
  }

  const server = http.createServer((request, response) => {
    handle(request, response).catch((cause: unknown) => {
      // A bug in the simulator must neither look like a response of a vendor nor end the process.
      log({ event: "bug", message: cause instanceof Error ? cause.message : String(cause) });
      if (response.headersSent) response.destroy();
      else send(response, text(500, "The simulator has an internal error; see its log."));
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 60_000;
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      listening();
    });
  });
  url = `http://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
  life.resume();

  return {
    url,
    seed,
    baseUrl,
    arm: (fault) => faults.arm(valid(parseFault(fault))),
    faults: faults.all,
    disarm: faults.clear,
    scenario: (id, scenario) => setScenario(id, valid(parseScenario(scenario))),
    ledger: ledger.view,
    task: life.find,
    callbacksAnswered: notifier.allSettled,
    waitFor: (predicate, timeoutMs = 5_000) => waitFor(watchers, ledger.view, predicate, timeoutMs),
    async stop() {
      life.stop();
      poster.stop();
      await notifier.stop();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      store.close();
    },
  };
}

function waitFor(
  watchers: Set<() => void>,
  view: () => Ledger,
  predicate: (ledger: Ledger) => boolean,
  timeoutMs: number,
): Promise<Ledger> {
  return new Promise((resolve, reject) => {
    const finish = (complete: () => void) => {
      clearTimeout(timer);
      watchers.delete(check);
      complete();
    };
    const check = () => {
      try {
        if (predicate(view())) finish(() => resolve(view()));
      } catch (cause) {
        finish(() => reject(cause));
      }
    };
    const timer = setTimeout(() => {
      const counts = JSON.stringify(view().counts);
      finish(() => reject(new Error(`The condition was not met within ${timeoutMs} ms. Counts: ${counts}`)));
    }, timeoutMs);
    watchers.add(check);
    check();
  });
}

const isJson = ({ body }: SimulatorResponse): boolean => /^[[{]/u.test(body);

type Sent = Pick<SimulatorResponse, "status" | "contentType"> & { body: string | Buffer; close?: boolean };

function send(response: ServerResponse, { status, contentType, body, close }: Sent): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (contentType !== null) response.setHeader("content-type", contentType);
  if (close) response.setHeader("connection", "close");
  if (status !== 204) response.setHeader("content-length", bytes.length);
  response.writeHead(status);
  response.end(status === 204 ? undefined : bytes);
}

const text = (status: number, body: string): Sent => ({ status, contentType: "text/plain; charset=utf-8", body });

/** Returns the body; undefined if it is larger than the limit. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Returns the key of the request without `Bearer `; undefined if there is none. */
function keyOf(request: IncomingMessage, dialect: Dialect): string | undefined {
  for (const name of dialect.auth.headers) {
    const key = keyIn(request.headers[name]);
    if (key) return key;
  }
  return undefined;
}

function keyIn(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.replace(/^Bearer\s+/iu, "").trim() || undefined;
}

function imageSpecOf(id: string, task: Task | undefined, query: URLSearchParams): ImageSpec | undefined {
  const preview = Number(query.get("preview") ?? 100);
  const percent = Number.isFinite(preview) ? Math.min(100, Math.max(1, Math.trunc(preview))) : 100;
  if (!task) return /^upload-\d{1,10}$/u.test(id) ? { scenes: [id], percent: 100 } : undefined;
  const running = isEnded(task.status) ? 100 : Math.max(1, Number.parseInt(task.progress ?? "0", 10) || 1);
  const tile = Number(query.get("tile"));
  const tiles = [1, 2, 3, 4].map((n) => `${task.scene}/${n}`);
  const scenes = task.result !== "grid" ? [task.scene] : tile >= 1 && tile <= 4 ? [tiles[tile - 1]!] : tiles;
  return { scenes, percent: Math.min(percent, running), ratio: ratioOf(task.prompt) };
}

function valid<T extends object>(parsed: T | { problem: string }): T {
  if ("problem" in parsed) throw new TypeError(parsed.problem);
  return parsed;
}
