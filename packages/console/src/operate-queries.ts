/** The API requests of Deliveries and Health. They are no part of the first view. */
import type { Delivery, DeliveryQuery, MjflowError, Page, Task } from "@mjflow/client";
import type { Api } from "@mjflow/client/api";
import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { type DeliveryFilter, deliveryQueryOf, matchesDelivery, withNewest } from "./lib/delivery.ts";
import { HEALTH_MS, isNotFound, PAGE, REFRESH_MS, toMjflowError, useIsOperator } from "./queries.ts";
import { useMjflow } from "./session.ts";

/** Maximum number of running flows that are read one by one to find open modals. */
const MAX_FLOWS_READ = 30;

// ── deliveries ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param refetchMs time after which the endpoints are read again; unset: only when a page is opened */
export function useEndpoints(refetchMs?: number) {
  const mjflow = useMjflow();
  return useQuery({
    queryKey: ["endpoints"],
    queryFn: async () => (await mjflow.endpoints.list().page()).data,
    refetchInterval: refetchMs ?? false,
  });
}

export interface DeliveryList {
  deliveries: readonly Delivery[];
  /** Number of newer deliveries that are not shown yet. */
  waiting: number;
  isLoading: boolean;
  error: MjflowError | undefined;
  /** Reads the next page; undefined if there is none or if a page is being read. */
  more: (() => void) | undefined;
}

/** The newest deliveries under a query. The list and the endpoint cards share the request without a filter. */
function useNewest(query: DeliveryQuery, refetchInterval: number | false, enabled: boolean) {
  const mjflow = useMjflow();
  return useQuery({
    queryKey: ["deliveries-newest", query],
    queryFn: () => mjflow.deliveries.list({ ...query, limit: PAGE }).page(),
    refetchInterval,
    enabled,
  });
}

/**
 * Returns the deliveries that match, newest first.
 *
 * @param isFollowed true to add new deliveries at the top; false while the user reads further down, because they would move the rows
 */
export function useDeliveryList(filter: DeliveryFilter, isFollowed: boolean): DeliveryList {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const asked = JSON.stringify(filter);
  // A new time would be another list, so the time of the first read stays.
  const query = useMemo(() => deliveryQueryOf(JSON.parse(asked), Date.now()), [asked]);
  const key = useMemo(() => ["deliveries", query], [query]);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => mjflow.deliveries.list({ ...query, limit: PAGE }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<Delivery>) => last.nextCursor ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { data: newest } = useNewest(query, REFRESH_MS, list.data !== undefined);
  const [waiting, setWaiting] = useState(0);
  useEffect(() => {
    if (!newest) return;
    const known = queries.getQueryData<InfiniteData<Page<Delivery>, string | undefined>>(key);
    if (!known) return;
    const merged = withNewest(known, newest.data, isFollowed);
    queries.setQueryData(key, { ...known, pages: merged.read.pages });
    setWaiting(merged.waiting);
  }, [queries, key, newest, isFollowed]);
  const { data, error, isPending, isFetchingNextPage, hasNextPage, fetchNextPage } = list;
  const deliveries = useMemo(() => {
    const shown: DeliveryFilter = JSON.parse(asked);
    const all = (data?.pages ?? []).flatMap((page) => page.data).filter((each) => matchesDelivery(each, shown));
    // The API returns the deliveries of one flow in the order of their ids.
    return shown.flow ? all.toSorted((a, b) => (b.createdAt ?? "").localeCompare(a.createdAt ?? "")) : all;
  }, [data, asked]);
  return {
    deliveries,
    waiting,
    isLoading: isPending || isFetchingNextPage,
    error: error ? toMjflowError(error) : undefined,
    more: hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined,
  };
}

/** The newest deliveries of the app, whatever the page filters. */
export function useNewestDeliveries(): readonly Delivery[] {
  return useNewest({}, 30_000, true).data?.data ?? [];
}

/** One delivery with its payload. It is read again while an attempt is to come. */
export function useDelivery(id: string) {
  const mjflow = useMjflow();
  return useQuery({
    queryKey: ["delivery", id],
    queryFn: () => mjflow.deliveries.get(id),
    refetchInterval: ({ state }) => state.data?.status === "pending" && REFRESH_MS / 2,
  });
}

/** Returns a function that reads all deliveries again after an action of the user. */
export function useDeliveriesAgain(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(async () => {
    const names = ["deliveries-newest", "delivery"];
    await Promise.all(names.map((name) => queries.invalidateQueries({ queryKey: [name] })));
  }, [queries]);
}

// ── operations ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Polls a query of the operator about the whole deployment. With the key of an app nothing is asked, because it gets 403. */
function useOperations<T>(name: string, query: (mjflow: Api) => Promise<T>) {
  const mjflow = useMjflow();
  const isOperator = useIsOperator();
  return useQuery({
    queryKey: ["operations", name],
    queryFn: () => query(mjflow),
    enabled: isOperator === true,
    refetchInterval: ({ state }) => !isNotFound(state.error) && HEALTH_MS,
  });
}

export const useDeadLetters = () =>
  useOperations("dead-letters", async ({ deadLetters }) => (await deadLetters.list().page()).data);
export const useQueues = () =>
  useOperations("queues", async ({ operations }) => (await operations.queues().page()).data);
export const useOverdue = () => useOperations("overdue", ({ operations }) => operations.overdue());
export const useUnclear = () => useOperations("unclear", ({ operations }) => operations.unclear());

/** Finds open modals in the newest running flows: the API has no list of modals. */
export function useOpenModals(): { modals: Task[]; looked: number } {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["modals"],
    queryFn: async () => {
      const { data: running } = await mjflow.flows.list({ status: "running", limit: MAX_FLOWS_READ }).page();
      const flows = await Promise.all(running.map(({ id }) => mjflow.flows.get(id)));
      return { tasks: flows.flatMap(({ tasks }) => tasks), looked: running.length };
    },
    refetchInterval: HEALTH_MS,
  });
  const modals = data?.tasks.filter(({ status }) => status === "MODAL") ?? [];
  return { modals, looked: data?.looked ?? 0 };
}
