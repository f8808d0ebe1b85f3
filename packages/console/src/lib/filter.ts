/**
 * The filter of the flow list. The API applies the parts that it supports. The page applies the whole filter as well,
 * because the flows of a live list change after they were read.
 */
import type { FlowQuery, FlowStatus, FlowSummary } from "@mjflow/client";

export interface Filter {
  status: "" | FlowStatus;
  provider: string;
  state: string;
  search: string;
}

export const NO_FILTER: Filter = { status: "", provider: "", state: "", search: "" };

/** Shorter parts match other ids by chance: some id among 250 flows contains a given "249" in one of ten cases. */
const MIN_ID_LENGTH = 6;

type FilteredFields = Pick<FlowSummary, "id" | "status" | "provider" | "state" | "prompt">;

export function matchesFilter({ status, provider, state, prompt, id }: FilteredFields, filter: Filter): boolean {
  if (filter.status && status !== filter.status) return false;
  if (filter.provider && provider !== filter.provider) return false;
  if (filter.state && state !== filter.state) return false;
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = `${prompt ?? ""} ${state ?? ""} ${provider}`.toLowerCase();
  return words.every(
    (word) => text.includes(word) || (word.length >= MIN_ID_LENGTH && id.toLowerCase().includes(word)),
  );
}

/** Returns the part of the filter that this API supports as query parameters. */
export function toQuery(filter: Filter, takes: (parameter: string) => boolean): FlowQuery {
  const { status, provider, state } = filter;
  return {
    ...(status && takes("status") && { status }),
    ...(provider && takes("provider") && { provider }),
    ...(state && takes("state") && { state }),
  };
}

/** Returns the filter of a route's query. Unknown values are ignored. */
export function filterOf(query: Readonly<Record<string, string>>): Filter {
  const { status = "", provider = "", state = "", q = "" } = query;
  const isStatus = ["running", "completed", "failed", "canceled"].includes(status);
  return { status: isStatus ? (status as FlowStatus) : "", provider, state, search: q };
}

/** Returns the query of a route with the filter. Empty fields are empty texts. */
export function queryOf({ status, provider, state, search }: Filter): Readonly<Record<string, string>> {
  return { status, provider, state, q: search };
}
