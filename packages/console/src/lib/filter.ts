/** Which flows are shown. Asked of the server where it can, and held to here in any case: a live list changes under it. */
import type { FlowQuery, FlowStatus, FlowSummary } from "@mjflow/client";

export interface Filter {
  status: "" | FlowStatus;
  provider: string;
  state: string;
  search: string;
}

export const NO_FILTER: Filter = { status: "", provider: "", state: "", search: "" };

/** Shorter pieces of an id are in some other id by chance: of 250 flows, one in ten times some id holds a given "249". */
const MIN_ID_LENGTH = 6;

type Asked = Pick<FlowSummary, "id" | "status" | "provider" | "state" | "prompt">;

export function matchesFilter({ status, provider, state, prompt, id }: Asked, filter: Filter): boolean {
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

/** What this server's list can be asked for. */
export function toQuery(filter: Filter, takes: (parameter: string) => boolean): FlowQuery {
  const { status, provider, state } = filter;
  return {
    ...(status && takes("status") && { status }),
    ...(provider && takes("provider") && { provider }),
    ...(state && takes("state") && { state }),
  };
}
