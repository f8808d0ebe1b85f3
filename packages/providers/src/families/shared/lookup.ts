/** Look-ups of the families: what one response proves, and tasks with a local modal. */
import { type AccountConfig, LookupError, type LookupResult, type SearchResult } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import { localModalOf } from "./press.ts";

/**
 * Looks up tasks. The answer of a local modal was lost, so the vendor's id of its task is not known: the vendor is searched for our
 * reference. A modal that is not found is left out, because nothing proves that the vendor has no such task.
 */
export async function lookUpOrSearch(
  ids: readonly string[],
  account: AccountConfig,
  lookUp: (ids: readonly string[]) => Promise<LookupResult>,
  search: (states: readonly string[], account: AccountConfig) => Promise<SearchResult>,
): Promise<LookupResult> {
  const modals = new Map(
    ids.flatMap((id) => {
      const modal = localModalOf(id);
      return modal ? [[modal.state, id] as const] : [];
    }),
  );
  const named = ids.filter((id) => !localModalOf(id));
  const looked: LookupResult = named.length > 0 ? await lookUp(named) : { reports: [], requests: 0 };
  if (modals.size === 0) return looked;
  const searched = await search([...modals.keys()], account);
  const found = searched.reports.map((report) => ({ ...report, vendorTaskId: modals.get(report.state!)! }));
  return { ...looked, reports: [...looked.reports, ...found], requests: looked.requests + searched.requests };
}

/**
 * Returns the report of a look-up of one task.
 *
 * @throws LookupError if it is about another task. The end of that one would end a task that still runs
 */
export function ownReport(report: Report, id: string): Report {
  if (report.vendorTaskId !== id) throw new LookupError("the response is about another task");
  return report;
}
