/** Look-ups of vendors that answer one task in each request. */
import { LookupError } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";

/** Parallel requests for single tasks. They count against the vendor's rate limit. */
const FETCHES = 5;

/**
 * Looks tasks up one by one, a few at one time. A request that fails says nothing about the other tasks. But nothing more is asked
 * after a refusal of the key, or after failures only.
 *
 * @param fetchOne returns undefined for a task that the vendor does not know
 * @returns the reports, the ids whose request failed, and the number of requests
 * @throws LookupError if no request was answered, or if the key is refused
 */
export async function fetchEach(
  ids: readonly string[],
  fetchOne: (id: string) => Promise<Report | undefined>,
): Promise<{ reports: Report[]; failed: string[]; requests: number }> {
  const reports: Report[] = [];
  const failed: string[] = [];
  let requests = 0;
  for (let i = 0; i < ids.length; i += FETCHES) {
    const some = ids.slice(i, i + FETCHES);
    requests += some.length;
    const results = await Promise.allSettled(some.map(fetchOne));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    const fatal = errors.find((error) => !(error instanceof LookupError) || error.unauthorized);
    if (fatal !== undefined) throw fatal;
    for (const [n, result] of results.entries()) {
      if (result.status === "rejected") failed.push(some[n]!);
      else if (result.value) reports.push(result.value);
    }
    if (failed.length === requests) throw errors[0];
  }
  return { reports, failed, requests };
}
