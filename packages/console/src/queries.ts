/** What pages ask the API for. */
import {
  type DeliveryQuery,
  type Flow,
  type FlowSummary,
  isMjflowError,
  type Mjflow,
  MjflowError,
  type Task,
} from "@mjflow/client";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Filter, matchesFilter, toQuery } from "./lib/filter.ts";
import { type LoadedFlows, mergeNewest, mergeOlder } from "./lib/flow-list.ts";
import { useMjflow } from "./session.ts";

/** There is no stream of all flows, so the newest are asked for, while somebody looks. */
const REFRESH_MS = 4_000;
const HEALTH_MS = 15_000;
const PAGE = 100;
/** Flows read one by one. */
const MAX_FLOWS_READ = 30;

export function toMjflowError(error: unknown): MjflowError {
  if (error instanceof MjflowError) return error;
  return new MjflowError({ code: "unexpected_answer", detail: String(error) });
}

// ── what this server can do ────────────────────────────────────────────────────────────────────────────────────────

interface Operation {
  parameters?: { in?: string; name?: string }[];
}

export interface ApiCapabilities {
  /** `POST`, `/v1/flows/{id}/cancel` */
  can(method: string, path: string): boolean;
  takes(path: string, parameter: string): boolean;
}

/** Its own description says so: a button that would only meet a 404 is not shown. Without a description all are. */
export function useApiCapabilities(): ApiCapabilities {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["openapi"],
    queryFn: () => mjflow.request<{ paths?: Record<string, Record<string, Operation>> }>({ path: "/openapi.json" }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const paths = data?.paths;
  return {
    can: (method, path) => !paths || paths[path]?.[method.toLowerCase()] !== undefined,
    takes: (path, name) =>
      paths?.[path]?.["get"]?.parameters?.some((parameter) => parameter.in === "query" && parameter.name === name) ??
      false,
  };
}

// ── flows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface FlowList {
  flows: readonly FlowSummary[];
  /** How many were looked at, to find these. */
  looked: number;
  isLoading: boolean;
  error: MjflowError | undefined;
  /** Undefined where there is no more. */
  more: (() => void) | undefined;
}

/**
 * Newest first; older ones once, and as far as somebody scrolls.
 *
 * @param isFollowed the newest are asked for again and again: not while somebody reads further down, whose place would move
 */
export function useFlowList(filter: Filter, isFollowed = true): FlowList {
  const mjflow = useMjflow();
  const { takes } = useApiCapabilities();
  const query = toQuery(filter, (name) => takes("/v1/flows", name));
  const key = JSON.stringify(query);
  const head = useQuery({
    queryKey: ["flows", key],
    queryFn: () => mjflow.flows.list({ ...query, limit: PAGE }).page(),
    refetchInterval: isFollowed && REFRESH_MS,
  });
  const [state, setState] = useState<{ key: string; known: LoadedFlows }>();
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<MjflowError>();
  const known = state?.key === key ? state.known : undefined;

  useEffect(() => {
    const page = head.data;
    if (page) setState((before) => ({ key, known: mergeNewest(before?.key === key ? before.known : undefined, page) }));
  }, [head.data, key]);

  const cursor = known?.cursor;
  const more = useCallback(async () => {
    if (!cursor) return;
    setReading(true);
    try {
      const page = await mjflow.flows.list({ ...JSON.parse(key), limit: PAGE }).page(cursor);
      setState((before) => (before?.key === key ? { key, known: mergeOlder(before.known, page) } : before));
      setError(undefined);
    } catch (cause) {
      setError(toMjflowError(cause));
    } finally {
      setReading(false);
    }
  }, [mjflow, key, cursor]);

  const all = known?.flows;
  const flows = useMemo(() => (all ?? []).filter((flow) => matchesFilter(flow, filter)), [all, filter]);
  return {
    flows,
    looked: all?.length ?? 0,
    isLoading: head.isPending || isReading,
    error: head.error ? toMjflowError(head.error) : error,
    more: cursor && !isReading ? more : undefined,
  };
}

/** A flow with its tasks, as it is now and then: for a row of the list. @param isWanted else it is only remembered */
export function useFlowPicture({ id, status }: FlowSummary, isWanted: boolean): Flow | undefined {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["flow", id, status],
    // Given up with its row.
    queryFn: ({ signal }) => mjflow.flows.get(id, { signal }),
    enabled: isWanted,
    staleTime: status === "running" ? REFRESH_MS : Number.POSITIVE_INFINITY,
    refetchInterval: ({ state }) => (state.data?.status ?? status) === "running" && REFRESH_MS,
  });
  return data;
}

export interface LiveFlow {
  flow: Flow | undefined;
  error: MjflowError | undefined;
  /** Whether news still come in. */
  isLive: boolean;
  /** After something was done to it: an ended flow can run again. */
  again: () => void;
}

/** A flow as it happens, by its stream, until it has ended. */
export function useLiveFlow(id: string): LiveFlow {
  const mjflow = useMjflow();
  const [state, setState] = useState<{ id: string; flow?: Flow; error?: MjflowError; isLive: boolean }>({
    id,
    isLive: true,
  });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round listens anew
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const show = (flow: Flow, isLive: boolean) => {
      if (!signal.aborted) setState({ id, flow, isLive });
    };
    async function listen() {
      const first = await mjflow.flows.get(id, { signal });
      show(first, first.status === "running");
      if (first.status !== "running") return;
      show(await mjflow.flows.wait(id, { signal, onUpdate: (flow) => show(flow, true) }), false);
    }
    listen().catch((cause) => {
      if (signal.aborted) return;
      setState((before) => ({ ...before, id, error: toMjflowError(cause), isLive: false }));
    });
    return () => abort.abort();
  }, [mjflow, id, round]);
  const again = useCallback(() => setRound((n) => n + 1), []);
  const isSame = state.id === id;
  return {
    flow: isSame ? state.flow : undefined,
    error: isSame ? state.error : undefined,
    isLive: isSame && state.isLive,
    again,
  };
}

// ── the rest ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Undefined where this server does not list them. */
export function useProviders() {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  return useQuery({
    queryKey: ["providers"],
    queryFn: async () => (await mjflow.providers.list().page()).data,
    enabled: can("GET", "/v1/providers"),
    refetchInterval: HEALTH_MS,
  });
}

export function useEndpoints() {
  const mjflow = useMjflow();
  return useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await mjflow.endpoints.list().page()).data,
  });
}

export function useDeliveries(query: DeliveryQuery) {
  const mjflow = useMjflow();
  return useQuery({
    queryKey: ["deliveries", query],
    queryFn: () => mjflow.deliveries.list({ ...query, limit: PAGE }).page(),
    refetchInterval: REFRESH_MS,
  });
}

/** What the operator is told of the whole stage; 403 for an app's key, and then not asked again. */
function useOperations<T>(name: string, ask: (mjflow: Mjflow) => Promise<T>) {
  const mjflow = useMjflow();
  return useQuery({
    queryKey: ["operations", name],
    queryFn: () => ask(mjflow),
    refetchInterval: ({ state }) => !isNotFound(state.error) && HEALTH_MS,
  });
}

export const useQueues = () =>
  useOperations("queues", async ({ operations }) => (await operations.queues().page()).data);
export const useOverdue = () => useOperations("overdue", ({ operations }) => operations.overdue());
export const useUnclear = () => useOperations("unclear", ({ operations }) => operations.unclear());

/** There is no list of them: they are looked for in the newest flows that run. */
export function useOpenModals(): { windows: Task[]; looked: number } {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["windows"],
    queryFn: async () => {
      const { data: running } = await mjflow.flows.list({ status: "running", limit: MAX_FLOWS_READ }).page();
      const flows = await Promise.all(running.map(({ id }) => mjflow.flows.get(id)));
      return { tasks: flows.flatMap(({ tasks }) => tasks), looked: running.length };
    },
    refetchInterval: HEALTH_MS,
  });
  const windows = data?.tasks.filter(({ status }) => status === "MODAL") ?? [];
  return { windows, looked: data?.looked ?? 0 };
}

/** One thing a person does at a time: whether it is at work, and how it ended badly. */
export function useAction() {
  const [busy, setBusy] = useState<string>();
  const [error, setError] = useState<MjflowError>();
  const isMounted = useRef(true);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  const act = useCallback(async (name: string, work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(name);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (cause) {
      if (isMounted.current) setError(toMjflowError(cause));
      return false;
    } finally {
      if (isMounted.current) setBusy(undefined);
    }
  }, []);
  const clear = useCallback(() => setError(undefined), []);
  return { act, busy, error, clear };
}

/** True where a route is not there, or not for this key. */
export function isNotFound(error: unknown): boolean {
  return isMjflowError(error) && [403, 404, 405, 501].includes(error.status ?? 0);
}
