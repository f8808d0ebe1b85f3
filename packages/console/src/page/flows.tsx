import type { FlowSummary } from "@mjflow/client";
import { memo, useDeferredValue, useEffect, useState } from "react";
import { useFlowList, useFlowPicture } from "../data.ts";
import { useNow, useSeen } from "../hook.ts";
import { type Filter, NO_FILTER } from "../lib/filter.ts";
import { hrefOf } from "../lib/route.ts";
import { ago, between, duration } from "../lib/time.ts";
import { Picture, pictureOf } from "../part/picture.tsx";
import { Problem } from "../part/problem.tsx";
import { isEnded, Status } from "../part/status.tsx";

export function FlowsPage() {
  const [filter, setFilter] = useState(NO_FILTER);
  const list = useFlowList(useDeferredValue(filter));
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
      <ul className="flows" aria-label="Flows, newest first" aria-busy={list.isLoading}>
        {list.flows.map((flow) => (
          <Row key={flow.id} flow={flow} now={now} />
        ))}
      </ul>
      {list.flows.length === 0 && !list.isLoading && !list.error && (
        <p className="empty">{isFiltered ? "No flow fits." : "Nothing here yet. Send the first plan."}</p>
      )}
      <More more={list.more} isLoading={list.isLoading} />
    </section>
  );
}

function Filters(props: { filter: Filter; flows: FlowSummary[]; onChange: (filter: Filter) => void }) {
  const { filter, flows, onChange } = props;
  const [seen, setSeen] = useState<string[]>([]);
  const fresh = [...new Set(flows.map(({ provider }) => provider))].filter((provider) => !seen.includes(provider));
  useEffect(() => {
    if (fresh.length > 0) setSeen([...seen, ...fresh].sort());
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
        <option value="canceled">cancelled</option>
      </select>
      <select aria-label="Provider" value={filter.provider} onChange={(event) => set({ provider: event.target.value })}>
        <option value="">Any provider</option>
        {seen.map((provider) => (
          <option key={provider}>{provider}</option>
        ))}
      </select>
      <input
        aria-label="State, exactly"
        placeholder="state"
        value={filter.state}
        onChange={(event) => set({ state: event.target.value })}
      />
    </search>
  );
}

const Row = memo(function Row({ flow, now }: { flow: FlowSummary; now: number }) {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const full = useFlowPicture(flow, useSeen(element));
  const { id, status, prompt, action, provider, state, createdAt, endedAt } = flow;
  const tasks = full?.tasks ?? [];
  const done = tasks.filter((task) => isEnded(task.status)).length;
  const shown = tasks.filter((task) => pictureOf(task)).slice(-4);
  const took = between(createdAt, endedAt);
  return (
    <li ref={setElement}>
      <a className="flow-row" href={hrefOf({ page: "flow", id, task: undefined })}>
        <span className="thumbs" aria-hidden="true">
          {shown.length === 0 && <Picture src={undefined} alt="" />}
          {shown.map((task) => (
            <Picture key={task.id} src={pictureOf(task)} alt="" />
          ))}
        </span>
        <span className="what">
          <span className="prompt" dir="auto">
            {prompt ?? action}
          </span>
          <span className="faint small">
            {provider} · {ago(createdAt, now)}
            {took !== undefined && ` · took ${duration(took)}`}
            {state !== null && (
              <>
                {" · "}
                <bdi>{state}</bdi>
              </>
            )}
          </span>
        </span>
        <span className="how">
          <Status of={status} />
          {tasks.length > 0 && (
            <span className="faint small">
              {done} of {tasks.length} ended
            </span>
          )}
        </span>
      </a>
    </li>
  );
});

/** Asks for more when it comes into view; the button is for keyboards. */
function More({ more, isLoading }: { more: (() => void) | undefined; isLoading: boolean }) {
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!element || !more) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) more();
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [element, more]);
  return (
    <p className="more" ref={setElement}>
      {isLoading ? (
        <span className="faint">Loading…</span>
      ) : (
        more && (
          <button type="button" onClick={more}>
            Older flows
          </button>
        )
      )}
    </p>
  );
}
