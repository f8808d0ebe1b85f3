import type { FlowSummary } from "@mjflow/client";
import { useDeferredValue, useEffect, useState } from "react";
import { FlowRows } from "../components/flow-rows.tsx";
import { Problem } from "../components/problem.tsx";
import { useAtTop, useNow } from "../hooks.ts";
import { type Filter, NO_FILTER } from "../lib/filter.ts";
import { hrefOf } from "../lib/route.ts";
import { type FlowList, useFlowList } from "../queries.ts";

export function FlowsPage() {
  const [filter, setFilter] = useState(NO_FILTER);
  const list = useFlowList(useDeferredValue(filter), useAtTop());
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(NO_FILTER);
  const now = useNow(10_000);
  return (
    <section className="page">
      <div className="head">
        <h1>Flows</h1>
        <a className="button primary" href={hrefOf({ page: "new" })}>
          New flow
        </a>
      </div>
      <Filters filter={filter} flows={list.flows} onChange={setFilter} />
      <Problem error={list.error} />
      <FlowRows flows={list.flows} isLoading={list.isLoading} isWhole={!list.more && !list.isLoading} now={now} />
      {list.flows.length === 0 && !list.isLoading && !list.error && (
        <p className="empty">{isFiltered ? "No flow matches." : "No flows yet. Send the first plan."}</p>
      )}
      <More list={list} isFiltered={isFiltered} />
    </section>
  );
}

function Filters(props: { filter: Filter; flows: readonly FlowSummary[]; onChange: (filter: Filter) => void }) {
  const { filter, flows, onChange } = props;
  const [seen, setSeen] = useState<string[]>([]);
  const unseen = [...new Set(flows.map(({ provider }) => provider))].filter((provider) => !seen.includes(provider));
  useEffect(() => {
    if (unseen.length > 0) setSeen([...seen, ...unseen].sort());
  });
  const set = (change: Partial<Filter>) => onChange({ ...filter, ...change });
  return (
    <search className="filters">
      <input
        type="search"
        aria-label="Search prompts, states and ids"
        placeholder="Search prompts, states, ids"
        value={filter.search}
        onChange={(event) => set({ search: event.target.value })}
      />
      <select
        aria-label="Status"
        value={filter.status}
        onChange={(event) => set({ status: event.target.value as Filter["status"] })}
      >
        <option value="">Any status</option>
        <option value="running">running</option>
        <option value="completed">completed</option>
        <option value="failed">failed</option>
        <option value="canceled">canceled</option>
      </select>
      <select aria-label="Provider" value={filter.provider} onChange={(event) => set({ provider: event.target.value })}>
        <option value="">Any provider</option>
        {seen.map((provider) => (
          <option key={provider}>{provider}</option>
        ))}
      </select>
      <input
        aria-label="Exact state"
        placeholder="Exact state"
        value={filter.state}
        onChange={(event) => set({ state: event.target.value })}
      />
    </search>
  );
}

/** Loads the next page before the end of the list is visible. The button is for keyboard users. */
function More({ list: { more, isLoading, looked }, isFiltered }: { list: FlowList; isFiltered: boolean }) {
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!element || !more) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) more();
      },
      { rootMargin: "1500px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [element, more]);
  return (
    <p className="more" ref={setElement}>
      {(isLoading || isFiltered) && (
        <span className="faint small" role="status">
          {isLoading ? "Loading…" : `Searched ${looked.toLocaleString("en")} flows`}
        </span>
      )}
      {more && (
        <button type="button" onClick={more}>
          Older flows
        </button>
      )}
    </p>
  );
}
