import type { FlowSummary } from "@mjflow/client";
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { EmptyList } from "../components/empty-list.tsx";
import { FlowRows } from "../components/flow-rows.tsx";
import { LoadMore } from "../components/load-more.tsx";
import { Problem } from "../components/problem.tsx";
import { replaceQuery, useAtTop, useNow } from "../hooks.ts";
import { Icon } from "../kit/icon.tsx";
import { TextFilter } from "../kit/text-filter.tsx";
import { type Filter, filterOf, NO_FILTER, queryOf } from "../lib/filter.ts";
import { hrefOf, type Query } from "../lib/route.ts";
import { useFlowList } from "../queries.ts";
import { t } from "../text/text.ts";

export default function FlowsPage({ query }: { query: Query }) {
  const filter = filterOf(query);
  const key = JSON.stringify(filter);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key has all fields of the filter
  const list = useFlowList(useDeferredValue(useMemo(() => filter, [key])), useAtTop());
  const isFiltered = key !== JSON.stringify(NO_FILTER);
  const now = useNow(10_000);
  return (
    <section className="page">
      <div className="toolbar">
        <h1>{t.pages.flows}</h1>
        <a className="button primary" href={hrefOf({ page: "create" })}>
          <Icon name="sparkles" />
          {t.pages.create}
        </a>
      </div>
      <Filters filter={filter} flows={list.flows} onChange={(changed) => replaceQuery(queryOf(changed))} />
      <Problem error={list.error} />
      {list.isLoading && list.looked === 0 && <div className="skeleton flows-soon" />}
      <FlowRows flows={list.flows} isLoading={list.isLoading} isWhole={!list.more && !list.isLoading} now={now} />
      {list.flows.length === 0 && !list.isLoading && !list.error && (
        <EmptyList
          isFiltered={isFiltered}
          noMatch={t.flows.noMatch}
          nothing={t.flows.nothing}
          onClear={() => replaceQuery(queryOf(NO_FILTER))}
        />
      )}
      <LoadMore more={list.more} isLoading={list.isLoading} label={t.flows.older}>
        {isFiltered && t.flows.searched(list.looked)}
      </LoadMore>
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
      <TextFilter
        type="search"
        aria-label={t.flows.search}
        placeholder={t.flows.searchHint}
        value={filter.search}
        onChange={(search) => set({ search })}
      />
      <select
        aria-label={t.flows.status}
        value={filter.status}
        onChange={(event) => set({ status: event.target.value as Filter["status"] })}
      >
        <option value="">{t.flows.anyStatus}</option>
        <option value="running">{t.status.running}</option>
        <option value="completed">{t.status.completed}</option>
        <option value="failed">{t.status.failed}</option>
        <option value="canceled">{t.status.canceled}</option>
      </select>
      <select
        aria-label={t.flows.provider}
        value={filter.provider}
        onChange={(event) => set({ provider: event.target.value })}
      >
        <option value="">{t.flows.anyProvider}</option>
        {seen.map((provider) => (
          <option key={provider}>{provider}</option>
        ))}
      </select>
      <TextFilter
        aria-label={t.flows.state}
        placeholder={t.flows.state}
        value={filter.state}
        onChange={(state) => set({ state })}
      />
    </search>
  );
}
