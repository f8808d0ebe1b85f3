/** One flow, followed until its end. It is no part of the first view. */
import type { Flow, MjflowError } from "@mjflow/client";
import { useCallback, useEffect, useState } from "react";
import { useConnection } from "./connection.ts";
import { toMjflowError } from "./queries.ts";
import { loadWaiting, useMjflow } from "./session.ts";

/** Notifies the other tabs of this browser of a changed flow: a page follows an ended flow no more. */
const changed = new BroadcastChannel("mjflow.flow");

/** Call it after an action that can make an ended flow run again. */
export function announceChange(flowId: string): void {
  changed.postMessage(flowId);
}

export interface LiveFlow {
  flow: Flow | undefined;
  error: MjflowError | undefined;
  /** True while the flow runs and the page follows it. */
  isLive: boolean;
  /** Reads the flow again after an action of the user, because an ended flow can run again. */
  again: () => void;
}

/** Returns a flow and updates it from its event stream until the flow ends. */
export function useLiveFlow(id: string): LiveFlow {
  const mjflow = useMjflow();
  const [state, setState] = useState<{ id: string; flow?: Flow; error?: MjflowError; isLive: boolean }>({
    id,
    isLive: true,
  });
  const [round, setRound] = useState(0);
  const { returns } = useConnection();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round, or a server that responds again, opens the stream again
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const show = (flow: Flow, isLive: boolean) => {
      if (!signal.aborted) setState({ id, flow, isLive });
    };
    async function follow() {
      const first = await mjflow.flows.get(id, { signal });
      const isRunning = first.status === "running";
      // A browser never loads a module again that failed once. So a page that says "Live" has the code before the server can be lost.
      if (isRunning) await loadWaiting();
      show(first, isRunning);
      if (!isRunning) return;
      show(await mjflow.flows.wait(id, { signal, onUpdate: (flow) => show(flow, true) }), false);
    }
    follow().catch((cause) => {
      if (signal.aborted) return;
      setState((before) => ({ ...before, id, error: toMjflowError(cause), isLive: false }));
    });
    return () => abort.abort();
  }, [mjflow, id, round, returns]);
  const readAgain = useCallback(() => setRound((n) => n + 1), []);
  useEffect(() => {
    const onMessage = ({ data }: MessageEvent) => data === id && readAgain();
    // What another device has done is read when the user comes back to the tab.
    const onShow = () => document.visibilityState === "visible" && readAgain();
    changed.addEventListener("message", onMessage);
    document.addEventListener("visibilitychange", onShow);
    return () => {
      changed.removeEventListener("message", onMessage);
      document.removeEventListener("visibilitychange", onShow);
    };
  }, [id, readAgain]);
  const again = useCallback(() => {
    readAgain();
    announceChange(id);
  }, [id, readAgain]);
  const isSame = state.id === id;
  return {
    flow: isSame ? state.flow : undefined,
    error: isSame ? state.error : undefined,
    isLive: isSame && state.isLive,
    again,
  };
}
