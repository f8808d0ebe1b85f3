/**
 * Decides when a request to a function starts. Node hands over all requests that have arrived before it does anything else. If
 * 1,500 flows arrive together and all start at once, the event loop stops for a second. No callback and no message is handled
 * meanwhile. So requests start for a short time in each turn of the event loop, and a bounded number runs at one time. The
 * others wait in fair order, with their bodies unread.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { respondOverloaded } from "./body-budget.ts";

export interface AdmissionOptions {
  /** Time in each turn of the event loop in which requests start, ms. */
  turnMs: number;
  /** Requests that run at one time. A few of them are enough to share the syncs of the data file. */
  running: number;
  /** Requests that wait. One more gets 503 with `Retry-After`. */
  waiting: number;
  /**
   * Time after which a running request no longer counts, ms. Default: 1,000. Such a request waits for something else than this
   * process, such as a translator. It must not keep others waiting. Streams and long polls never count.
   */
  countedMs?: number;
  /** Default: the milliseconds of `performance.now()`. */
  now?: () => number;
}

export interface Admission {
  /**
   * Calls `start` now, or when the turn of the request comes. Among those that wait, each caller has its turn, and so have its
   * reads beside its writes. A request whose client has left before its turn never starts.
   *
   * @param start must not throw
   */
  admit(request: IncomingMessage, response: ServerResponse, start: () => Promise<void>): void;
}

interface Waiting {
  request: IncomingMessage;
  start: () => Promise<void>;
}

interface Running {
  request: IncomingMessage;
  /** When it started, or when the last byte of a late body arrived. */
  startedAt: number;
  hasEnded: boolean;
}

/** Time in which the body of a running request must arrive, ms. Then the request waits for its client, and counts no more. */
const RECEIVED_MS = 50;
/** Most requests that start in one turn, however short they are. */
const PER_TURN = 64;
const REFUSAL = {
  title: "Too many requests at once",
  detail: "More requests wait for their turn than the local server holds.",
};

export function createAdmission({
  turnMs,
  running: mostRunning,
  waiting: mostWaiting,
  countedMs = 1_000,
  now = () => performance.now(),
}: AdmissionOptions): Admission {
  /** Running requests that count. */
  const running = new Set<Running>();
  /** Waiting requests by caller. The caller whose turn is next comes first. */
  const callers = new Map<string, Waiting[]>();
  let waiting = 0;
  /** Start of this turn; unset until its first request. */
  let turnAt: number | undefined;
  let isEndPlanned = false;
  let stepsPlanned = 0;
  let isLookPlanned = false;

  /** True while requests may start in this turn. The turn begins with the first question. */
  function isTurn(): boolean {
    if (!isEndPlanned) {
      isEndPlanned = true;
      setImmediate(endTurn);
    }
    turnAt ??= now();
    return now() - turnAt < turnMs;
  }

  function endTurn(): void {
    isEndPlanned = false;
    turnAt = undefined;
    if (waiting > 0) planSteps();
  }

  /** Each step starts one request. Between two steps Node runs what the first of them has to do at once. */
  function planSteps(): void {
    while (stepsPlanned < Math.min(waiting, PER_TURN)) {
      stepsPlanned++;
      setImmediate(step);
    }
  }

  function step(): void {
    stepsPlanned--;
    if (waiting === 0 || !isTurn() || !hasRoom()) return;
    const next = takeNext();
    start(next.request, next.start);
  }

  function start(request: IncomingMessage, run: () => Promise<void>): void {
    const own = { request, startedAt: now(), hasEnded: false };
    if (!isHeld(request)) running.add(own);
    const end = () => {
      own.hasEnded = true;
      running.delete(own);
      if (waiting > 0) planSteps();
    };
    run().then(end, end);
  }

  function hasRoom(): boolean {
    if (running.size < mostRunning) return true;
    let restMs = Number.POSITIVE_INFINITY;
    for (const own of running) {
      const ownMs = own.startedAt + (own.request.complete ? countedMs : RECEIVED_MS) - now();
      if (ownMs > 0) restMs = Math.min(restMs, ownMs);
      else stopCounting(own);
    }
    if (running.size < mostRunning) return true;
    // If a running request ends before, its end plans the next steps.
    if (!isLookPlanned) setTimeout(lookAgain, restMs).unref();
    isLookPlanned = true;
    return false;
  }

  function stopCounting(own: Running): void {
    running.delete(own);
    if (own.request.complete) return;
    // From its last byte on it has work to do, so it counts again.
    own.request.once("end", () => {
      own.startedAt = now();
      if (!own.hasEnded) running.add(own);
    });
  }

  function lookAgain(): void {
    isLookPlanned = false;
    if (waiting > 0) planSteps();
  }

  function takeNext(): Waiting {
    const [caller, requests] = callers.entries().next().value!;
    const next = requests.shift()!;
    waiting--;
    callers.delete(caller);
    if (requests.length > 0) callers.set(caller, requests);
    return next;
  }

  return {
    admit(request, response, run) {
      if (waiting === 0 && isTurn() && hasRoom()) return start(request, run);
      if (waiting >= mostWaiting) return respondOverloaded(request, response, REFUSAL);
      const caller = callerOf(request);
      const entry = { request, start: () => (request.socket.destroyed ? Promise.resolve() : run()) };
      const ofCaller = callers.get(caller);
      if (ofCaller) ofCaller.push(entry);
      else callers.set(caller, [entry]);
      waiting++;
      planSteps();
    },
  };
}

/**
 * True for a stream of events and a long poll. After its start such a read only waits for a change. If it counted, 1,000 clients
 * that wait would stop the requests of all others.
 */
function isHeld({ method, url = "", headers }: IncomingMessage): boolean {
  if (method !== "GET") return false;
  return /\/events(?:\?|$)/.test(url) || /\bwait\s*=/i.test(String(headers["prefer"] ?? ""));
}

/** The key of the caller and whether it reads. Callers without a key share a turn if they share an address. */
function callerOf({ method, headers, socket }: IncomingMessage): string {
  const key = headers.authorization ?? headers["mj-api-secret"] ?? headers.cookie ?? socket.remoteAddress;
  return `${method === "GET" || method === "HEAD" ? "read" : "write"} ${key}`;
}
