/**
 * A Midjourney vendor one can run: real HTTP around the parts.
 *
 *   const simulator = await startSimulator({ seed: 7 });
 *   const fault = simulator.arm({ kind: "copy-callback", status: "SUCCESS", copies: 3 });
 *   await fetch(`${simulator.baseUrl("simulator")}/mj/submit/imagine`, { method: "POST", body: '{"prompt":"a boat"}' });
 *   await simulator.waitFor((ledger) => ledger.counts.tasks === 1);
 *   await simulator.stop();
 *
 * Owns sockets, sizes and wiring. Knows no verb and no vendor.
 */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createCallbackSender } from "./callback.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createControl } from "./control.ts";
import { type Dialect, isProviderId, PROVIDER_IDS, type ProviderId, SUBMIT_VERBS, variantOf } from "./dialect.ts";
import { DIALECTS } from "./dialects/registry.ts";
import { type ArmedFault, createFaults, type FaultSpec, parseFault } from "./fault.ts";
import { createGallery, emptyFilm, type Picture } from "./image.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createTaskLifecycle } from "./lifecycle.ts";
import { createPoster } from "./post.ts";
import { seededRandom } from "./random.ts";
import { noRoute, type SimulatorResponse, unauthorized } from "./response.ts";
import { routeOf } from "./route.ts";
import { parseScenario, type Scenario } from "./scenario.ts";
import { memoryStore, sqliteStore } from "./store.ts";
import { isEnded, type Task } from "./task.ts";
import { createVendor, type Outcome } from "./vendor.ts";

export type { Clock, ManualClock } from "./clock.ts";
export { manualClock, systemClock } from "./clock.ts";
export type { ProviderId } from "./dialect.ts";
export { PROVIDER_IDS } from "./dialect.ts";
export type { ArmedFault, FaultKind, FaultSpec } from "./fault.ts";
export type { CallbackPost, Counts, Ledger, Lookup, Submission } from "./ledger.ts";
export type { Scenario } from "./scenario.ts";
export type { Task } from "./task.ts";

export interface SimulatorOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Loopback by default: the simulator posts wherever a stranger tells it to, so keep it there. */
  host?: string;
  /** With a folder, tasks and ledger survive a restart and `kill -9`. */
  dataDir?: string;
  seed?: number;
  /** Multiplies every duration: 0.1 is ten times faster, 2 is twice as slow, 0 does not wait at all. */
  speed?: number;
  clock?: Clock;
  scenarios?: Partial<Record<ProviderId, Scenario>>;
  log?: (line: Record<string, unknown>) => void;
}

export interface Simulator {
  url: string;
  seed: number;
  baseUrl(provider: ProviderId): string;
  /** The object returned stays live: its `fired` says how often the fault has struck. */
  arm(fault: FaultSpec): ArmedFault;
  faults(): ArmedFault[];
  disarm(): void;
  /** Replaces the vendor's scenario. */
  scenario(provider: ProviderId, scenario: Scenario): void;
  ledger(): Ledger;
  /** A task as it is now, for assertions; undefined when no vendor here made it. */
  task(id: string): Task | undefined;
  /** Resolves when the predicate holds; asked again at every submission, look-up, callback and move of a task. */
  waitFor(predicate: (ledger: Ledger) => boolean, timeoutMs?: number): Promise<Ledger>;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 20 * 1024 * 1024;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0, clock = systemClock, speed = 1, log = () => {} } = options;
  const seed = options.seed ?? 1;
  const scenarios = new Map<ProviderId, Scenario>();
  for (const id of PROVIDER_IDS) scenarios.set(id, checked(parseScenario(options.scenarios?.[id] ?? {})));

  let url = "";
  const origin = () => url;
  const scenarioOf = (id: ProviderId) => scenarios.get(id) ?? {};
  const dialectOf = (id: ProviderId): Dialect => variantOf(DIALECTS[id], scenarioOf(id).variant);

  const store = options.dataDir === undefined ? memoryStore() : sqliteStore(options.dataDir);
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const look of watchers) look();
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
    dialectOf: (task) => dialectOf(task.provider),
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
      changed();
    },
  });
  const vendor = createVendor({ clock, life, faults, ledger, notifier, random, speed, origin });
  const gallery = createGallery();

  function clearLedger(): void {
    store.forgetEntries();
    ledger.clear();
    changed();
  }

  const setScenario = (id: ProviderId, scenario: Scenario) => void scenarios.set(id, scenario);
  const baseUrl = (id: ProviderId) => `${url}/${id}`;
  const control = createControl({ ledger, clearLedger, faults, life, scenarioOf, setScenario, baseUrl });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = URL.parse(request.url ?? "/", "http://simulator.invalid");
    const method = request.method ?? "GET";
    if (!target) return send(response, text(400, "Bad request line."));
    const [, room = "", ...rest] = target.pathname.split("/");

    const body = await bodyOf(request);
    if (body === undefined) return send(response, { ...text(413, "Body above 20 MB."), close: true });

    if (room === "_sim") {
      const answer = control.handle(method, target.pathname, body);
      return send(response, {
        status: answer.status,
        contentType: "application/json",
        body: JSON.stringify(answer.body),
      });
    }
    if (room === "images") return send(response, image(rest[0] ?? "", target.searchParams));
    if (room === "videos") return send(response, { status: 200, contentType: "video/mp4", body: emptyFilm() });
    if (!isProviderId(room)) return send(response, room === "" ? text(200, welcome()) : text(404, welcome()));

    const dialect = dialectOf(room);
    const path = `/${rest.join("/")}`;
    const route = routeOf(dialect, method, path);
    if (!route) return send(response, noRoute(dialect, method, path));
    // The relay's pictures need no token in the versions read (docs/protocol.md 3.6).
    if (route.verb === "image") return send(response, image(route.id ?? "", target.searchParams));
    const key = keyOf(request, dialect);
    if (key === undefined ? !dialect.auth.optional : key === "wrong-key") {
      return send(response, unauthorized(dialect, key === undefined));
    }

    const ids = target.searchParams.getAll("ids").flatMap((value) => value.split(","));
    const call = {
      dialect,
      scenario: scenarioOf(room),
      route,
      body: body === "" && ids.length > 0 ? JSON.stringify({ ids }) : body,
    };
    const outcome = await answer(call);
    if (outcome === "drop") return void request.socket.destroy();
    if (outcome !== "hang") send(response, outcome);
  }

  function answer(call: Parameters<typeof vendor.cancel>[0]): Promise<Outcome> {
    const { verb } = call.route;
    if (verb === "cancel") return vendor.cancel(call);
    const submit = SUBMIT_VERBS.find((known) => known === verb);
    return submit ? vendor.submit(call, submit) : vendor.lookup(call, verb as "fetch");
  }

  function image(name: string, query: URLSearchParams): Sent {
    const id = name.replace(/\.png$/u, "");
    const picture = pictureOf(id, life.find(id), query);
    return picture ? { status: 200, contentType: "image/png", body: gallery(picture) } : text(404, "No such picture.");
  }

  function welcome(): string {
    const bases = PROVIDER_IDS.map((id) => `  ${baseUrl(id)}`).join("\n");
    return `mjflow simulator, seed ${seed}. Vendors:\n${bases}\nControl: ${url}/_sim\n`;
  }

  const server = http.createServer((request, response) => {
    handle(request, response).catch((cause: unknown) => {
      // A bug here must not look like a vendor's answer, nor take the process down.
      log({ event: "bug", message: cause instanceof Error ? cause.message : String(cause) });
      if (response.headersSent) response.destroy();
      else send(response, text(500, "The simulator itself failed; see its log."));
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
    arm: (fault) => faults.arm(checked(parseFault(fault))),
    faults: faults.all,
    disarm: faults.clear,
    scenario: (id, scenario) => setScenario(id, checked(parseScenario(scenario))),
    ledger: ledger.view,
    task: life.find,
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
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      watchers.delete(look);
      settle();
    };
    const look = () => {
      try {
        if (predicate(view())) finish(() => resolve(view()));
      } catch (cause) {
        finish(() => reject(cause));
      }
    };
    const timer = setTimeout(() => {
      const counts = JSON.stringify(view().counts);
      finish(() => reject(new Error(`Not seen at the simulator within ${timeoutMs} ms. Counts: ${counts}`)));
    }, timeoutMs);
    watchers.add(look);
    look();
  });
}

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

/** The whole body, or undefined when it is larger than any vendor would take. */
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

/** The key as sent, without `Bearer `: any is fine but one. */
function keyOf(request: IncomingMessage, dialect: Dialect): string | undefined {
  for (const name of dialect.auth.headers) {
    const value = request.headers[name];
    const key = (Array.isArray(value) ? value[0] : value)?.replace(/^Bearer\s+/iu, "").trim();
    if (key) return key;
  }
  return undefined;
}

function pictureOf(id: string, task: Task | undefined, query: URLSearchParams): Picture | undefined {
  const preview = Number(query.get("preview") ?? 100);
  const percent = Number.isFinite(preview) ? Math.min(100, Math.max(1, Math.trunc(preview))) : 100;
  if (!task) return /^upload-\d{1,10}$/u.test(id) ? { scenes: [id], percent: 100 } : undefined;
  const running = isEnded(task.status) ? 100 : Math.max(1, Number.parseInt(task.progress ?? "0", 10) || 1);
  const tile = Number(query.get("tile"));
  const tiles = [1, 2, 3, 4].map((n) => `${task.scene}/${n}`);
  const scenes = task.result !== "grid" ? [task.scene] : tile >= 1 && tile <= 4 ? [tiles[tile - 1]!] : tiles;
  return { scenes, percent: Math.min(percent, running) };
}

function checked<T extends object>(parsed: T | { problem: string }): T {
  if ("problem" in parsed) throw new TypeError(parsed.problem);
  return parsed;
}
