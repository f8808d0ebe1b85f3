/** The API requests of the pages. */
import {
  type CurrentCaller,
  type FlowListEntry,
  type FlowQuery,
  isMjflowError,
  MjflowError,
  type Page,
  type Picture,
} from "@mjflow/client";
import type { Api } from "@mjflow/client/api";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useConnection } from "./connection.ts";
import { type Filter, matchesFilter, toQuery } from "./lib/filter.ts";
import { type LoadedFlows, mergeNewest, mergeOlder, staleDetails, withDetails } from "./lib/flow-list.ts";
import { useMjflow, useSession } from "./session.ts";
import { t } from "./text/text.ts";

/** Polling interval of flows and deliveries: there is no stream of all flows. */
export const REFRESH_MS = 4_000;
export const HEALTH_MS = 15_000;
export const PAGE = 100;
/** Newest results that are read again and again. */
const HEAD = 20;

export function toMjflowError(error: unknown): MjflowError {
  if (error instanceof MjflowError) return error;
  return new MjflowError({ code: "unexpected_answer", detail: String(error) });
}

// ── capabilities of the API ────────────────────────────────────────────────────────────────────────────────────────

interface Operation {
  parameters?: { in?: string; name?: string }[];
}

export interface ApiCapabilities {
  /** Returns true if the API has the operation, for example `POST` and `/v1/flows/{id}/cancel`. */
  can(method: string, path: string): boolean;
  /** Returns true if `GET path` has this query parameter. */
  takes(path: string, parameter: string): boolean;
  /** False while the document is being read. */
  isReady: boolean;
}

/**
 * Reads the capabilities of the API from its OpenAPI document, so that the page shows no button that would get a 404.
 * Without the document every operation counts as available.
 */
export function useApiCapabilities(): ApiCapabilities {
  const mjflow = useMjflow();
  const { data, isPending } = useQuery({
    queryKey: ["openapi"],
    queryFn: () => mjflow.request<{ paths?: Record<string, Record<string, Operation>> }>({ path: "/openapi.json" }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const paths = data?.paths;
  return {
    isReady: !isPending,
    can: (method, path) => !paths || paths[path]?.[method.toLowerCase()] !== undefined,
    takes: (path, name) =>
      paths?.[path]?.["get"]?.parameters?.some((parameter) => parameter.in === "query" && parameter.name === name) ??
      false,
  };
}

// ── flows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface FlowList {
  flows: readonly FlowListEntry[];
  /** Number of flows that were read to find these. */
  looked: number;
  isLoading: boolean;
  error: MjflowError | undefined;
  /** Reads the next page; undefined if there is none or if a page is being read. */
  more: (() => void) | undefined;
}

/**
 * Returns flows, newest first. Older pages are read once, when the user scrolls to them.
 *
 * @param isFollowed true to poll the newest page; false while the user reads further down, because new rows would move
 * the rows that the user reads
 */
export function useFlowList(filter: Filter, isFollowed = true): FlowList {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { takes, isReady } = useApiCapabilities();
  const query: FlowQuery = {
    ...toQuery(filter, (name) => takes("/v1/flows", name)),
    // The counts, the cost and the picture of each row come with the list, so a row needs no request of its own.
    ...(takes("/v1/flows", "details") && { details: true }),
  };
  const key = JSON.stringify(query);
  const head = useQuery({
    queryKey: ["flows", key],
    queryFn: () => readHead(mjflow, query, queries.getQueryData<Page<FlowListEntry>>(["flows", key])?.data),
    refetchInterval: isFollowed && REFRESH_MS,
    enabled: isReady,
  });
  // The older pages are kept while the user looks at a flow, so that Back finds the list as it was.
  const [state, setState] = useState<{ key: string; known: LoadedFlows } | undefined>(() => {
    const kept = queries.getQueryData<LoadedFlows>(["flows", key, "loaded"]);
    return kept && { key, known: kept };
  });
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<MjflowError>();
  const known = state?.key === key ? state.known : undefined;

  useEffect(() => {
    const page = head.data;
    if (page) setState((before) => ({ key, known: mergeNewest(before?.key === key ? before.known : undefined, page) }));
  }, [head.data, key]);

  useEffect(() => {
    if (known) queries.setQueryData(["flows", key, "loaded"], known);
  }, [queries, key, known]);

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

/**
 * Reads the newest page. For the details the server reads all tasks of every flow. So the details are read once for each flow.
 * They are read again while the flow runs, and after it has ended.
 *
 * @param known entries that were read before; unset: none
 */
async function readHead(
  mjflow: Api,
  { details, ...query }: FlowQuery,
  known: readonly FlowListEntry[] | undefined,
): Promise<Page<FlowListEntry>> {
  const read = (more: FlowQuery) => mjflow.flows.list({ ...query, ...more, limit: PAGE }).page();
  if (!details || !known) return read(details ? { details } : {});
  const page = await read({});
  const { running, ended } = staleDetails(page.data, known);
  const [newest, oldest] = [ended[0], ended.at(-1)];
  const fresh = await Promise.all([
    ...(running.length > 0 ? [read({ details, status: "running" })] : []),
    // `until` is exclusive, and ids of one millisecond are in one page.
    ...(newest && oldest ? [read({ details, since: oldest.createdAt, until: afterIso(newest.createdAt) })] : []),
  ]);
  return { ...page, data: withDetails(page.data, [...fresh.flatMap(({ data }) => data), ...known]) };
}

function afterIso(iso: string): string {
  return new Date(Date.parse(iso) + 1).toISOString();
}

/** Number of running flows, at most 20; undefined until it is known. */
export function useRunningCount(): number | undefined {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["running"],
    queryFn: async () => (await mjflow.flows.list({ status: "running", limit: 20 }).page()).data.length,
    refetchInterval: 10_000,
  });
  return data;
}

// ── pictures ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface PictureFilter {
  action: string;
  kind: "" | "image" | "video";
  since: string;
}

export interface PictureList {
  pictures: readonly Picture[];
  isLoading: boolean;
  error: MjflowError | undefined;
  /** Reads the next page; undefined if there is none or if a page is being read. */
  more: (() => void) | undefined;
}

/**
 * Returns results with a picture or a video, newest first.
 *
 * @param isFollowed true to add new results at the top; false while the user looks further down, because they would move the rows
 */
export function usePictures({ action, kind, since }: PictureFilter, isFollowed: boolean): PictureList {
  const mjflow = useMjflow();
  const query = {
    ...(action && { action }),
    ...(kind && { video: kind === "video" }),
    ...(since && { since }),
  };
  const { data, error, isPending, isFetchingNextPage, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["pictures", query],
    queryFn: ({ pageParam }) => mjflow.pictures.list({ ...query, limit: PAGE }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<Picture>) => last.nextCursor ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const head = useQuery({
    queryKey: ["pictures-head", query],
    queryFn: async () => (await mjflow.pictures.list({ ...query, limit: HEAD }).page()).data,
    enabled: data !== undefined && isFollowed,
    refetchInterval: REFRESH_MS,
    refetchOnMount: false,
    initialData: () => data?.pages[0]?.data.slice(0, HEAD),
    staleTime: REFRESH_MS,
  });
  const [known, setKnown] = useState<{ key: string; fresh: readonly Picture[] }>();
  const key = JSON.stringify(query);
  const loaded = useMemo(() => data?.pages.flatMap((page) => page.data) ?? [], [data]);
  useEffect(() => {
    const newest = head.data;
    if (!newest) return;
    const ids = new Set(loaded.map(({ taskId }) => taskId));
    setKnown((before) => {
      const fresh = before?.key === key ? before.fresh : [];
      const all = new Set([...ids, ...fresh.map(({ taskId }) => taskId)]);
      const added = newest.filter(({ taskId }) => !all.has(taskId));
      return added.length === 0 && before?.key === key ? before : { key, fresh: [...added, ...fresh] };
    });
  }, [head.data, loaded, key]);
  const fresh = known?.key === key ? known.fresh : undefined;
  const pictures = useMemo(() => {
    const ids = new Set(loaded.map(({ taskId }) => taskId));
    return [...(fresh ?? []).filter(({ taskId }) => !ids.has(taskId)), ...loaded];
  }, [fresh, loaded]);
  return {
    pictures,
    isLoading: isPending || isFetchingNextPage,
    error: error ? toMjflowError(error) : undefined,
    more: hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined,
  };
}

// ── vendors, templates, the caller ──────────────────────────────────────────────────────────────────────────────────

/** Lists the providers; `data` stays undefined if the API has no such list. */
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

/**
 * Returns whether an account is one of the simulator: its flows and pictures are marked. If the account is not known, all accounts of
 * the provider have to be.
 */
export function useSimulated(): (provider: string, account?: string) => boolean {
  const { data } = useProviders();
  return useCallback(
    (provider, account) => {
      const all = data?.find(({ id }) => id === provider)?.accounts ?? [];
      const own = all.filter(({ name }) => name === account);
      return all.length > 0 && (own.length > 0 ? own : all).every(({ simulated }) => simulated);
    },
    [data],
  );
}

/** Templates of the app; `data` stays undefined if the API has none. */
export function useTemplates() {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  return useQuery({
    queryKey: ["templates"],
    queryFn: async () => (await mjflow.templates.list().page()).data,
    enabled: can("GET", "/v1/templates"),
  });
}

/** Says who the session belongs to. */
export function useCaller(): CurrentCaller {
  return useSession().caller;
}

/** True if the session stands for the operator key. */
export function useIsOperator(): boolean {
  return useCaller().role === "operator";
}

/**
 * Runs one action of the user at a time, with its progress and its error. `off` has the attributes of a button that acts: it is
 * disabled while an action runs, and while the server does not respond, with the reason.
 */
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
      // The user has canceled the request.
      const isCanceled = isMjflowError(cause, "aborted");
      if (isMounted.current && !isCanceled) setError(toMjflowError(cause));
      return false;
    } finally {
      if (isMounted.current) setBusy(undefined);
    }
  }, []);
  const clear = useCallback(() => setError(undefined), []);
  const isLost = useConnection().lostSince !== undefined;
  const off = { disabled: isLost || busy !== undefined, ...(isLost && { title: t.shell.noWrites }) };
  return { act, busy, off, error, clear };
}

/** Returns true if the route does not exist or this key may not use it. */
export function isNotFound(error: unknown): boolean {
  return isMjflowError(error) && [403, 404, 405, 501].includes(error.status ?? 0);
}
