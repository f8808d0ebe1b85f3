/**
 * Whether the API responds, and whether a request waits for a rate limit. The client's `fetch` and `sleep` report here, so every
 * page shows the same state.
 */
import { MjflowError } from "@mjflow/client";
import { useSyncExternalStore } from "react";

export interface Connection {
  /** Epoch ms of the first failed request in a row; undefined if the API responds. */
  lostSince: number | undefined;
  /** Epoch ms at which a limited request is sent again; undefined if none waits. */
  limitedUntil: number | undefined;
  /** Increases each time the API responds again. */
  returns: number;
}

/** A shorter pause is a normal retry, and the user need not know of it. */
const SHOWN_PAUSE_MS = 1_500;
const CHECK_MS = 2_000;
/** A page that has heard nothing for this time asks the server of its own origin whether it is there. */
const SILENCE_MS = 2_500;

let state: Connection = { lostSince: undefined, limitedUntil: undefined, returns: 0 };
let cancelPause = () => {};
let checks: ReturnType<typeof setInterval> | undefined;
let isWatched = false;
let heardAt = 0;
const listeners = new Set<() => void>();

function set(change: Partial<Connection>): void {
  state = { ...state, ...change };
  for (const notify of listeners) notify();
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => state,
  );
}

/** Whole seconds until a limited request is sent again. */
export function secondsUntil(limitedUntil: number, now: number): number {
  return Math.max(0, Math.ceil((limitedUntil - now) / 1_000));
}

/** Gives up the request that waits for a rate limit. */
export function cancelLimited(): void {
  cancelPause();
}

/** `fetch` that notes whether the server responds. @param apiUrl is asked again until it responds */
export function watchedFetch(apiUrl: string): typeof fetch {
  // A deployment costs money for each request, and its functions do not stop like a process.
  if (apiUrl === location.origin && !isWatched) {
    isWatched = true;
    setInterval(() => listen(apiUrl), SILENCE_MS / 2);
  }
  return async (input, init) => {
    try {
      const response = await fetch(input, init);
      heardAt = Date.now();
      if (state.lostSince !== undefined) found();
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) lost(apiUrl);
      throw error;
    }
  };
}

/** Asks a silent server. It is lost if it takes no connection; one that is slow is not. */
function listen(apiUrl: string): void {
  const isSilent = Date.now() - heardAt >= SILENCE_MS;
  if (!isSilent || state.lostSince !== undefined || document.visibilityState !== "visible") return;
  heardAt = Date.now();
  fetch(`${apiUrl}/healthz`).catch(() => lost(apiUrl));
}

function lost(apiUrl: string): void {
  if (state.lostSince !== undefined) return;
  set({ lostSince: Date.now() });
  checks = setInterval(() => void fetch(`${apiUrl}/healthz`).then(found, () => {}), CHECK_MS);
}

function found(): void {
  if (state.lostSince === undefined) return;
  clearInterval(checks);
  set({ lostSince: undefined, returns: state.returns + 1 });
}

/** `sleep` of the client that shows a long pause and lets the user end it. */
export function shownSleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const isShown = ms > SHOWN_PAUSE_MS && state.lostSince === undefined;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      if (isShown) set({ limitedUntil: undefined });
      settle();
    };
    const abort = () => end(() => reject(new MjflowError({ code: "aborted", detail: "The request was canceled." })));
    const timer = setTimeout(() => end(resolve), ms);
    signal?.addEventListener("abort", abort, { once: true });
    if (!isShown) return;
    cancelPause = abort;
    set({ limitedUntil: Date.now() + ms });
  });
}
