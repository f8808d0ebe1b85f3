/** Flows as rows, of which only those near the window exist: a list of 10,000 is as light as one of 20. */
import type { FlowSummary } from "@mjflow/client";
import { defaultRangeExtractor, useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useLayoutEffect, useRef, useState } from "react";
import { hrefOf } from "../lib/route.ts";
import { ago, between, duration } from "../lib/time.ts";
import { useFlowPicture } from "../queries.ts";
import { Picture, pictureOf } from "./picture.tsx";
import { isEnded, Status } from "./status.tsx";

/** As high as most are, in px; each is measured once it is there. */
const ROW = 77;
/** Above and below the window: what the next turn of a wheel shows, and where the Tab key goes next. */
const OVERSCAN = 6;

export interface FlowRowsProps {
  flows: readonly FlowSummary[];
  isLoading: boolean;
  /** More may follow: nobody knows yet how many there are. */
  isWhole: boolean;
  now: number;
}

export function FlowRows({ flows, isLoading, isWhole, now }: FlowRowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  // What stands above it changes its height: a filter that wraps, a problem that is told.
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0));
  const [focused, setFocused] = useState<string>();
  const kept = focused === undefined ? -1 : flows.findIndex(({ id }) => id === focused);
  const rows = useWindowVirtualizer<HTMLLIElement>({
    count: flows.length,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    scrollMargin: top,
    getItemKey: useCallback((index: number) => flows[index]!.id, [flows]),
    // The row that has the focus stays, wherever it is scrolled to: else the Tab key would begin anew at the top.
    rangeExtractor: useCallback(
      (range: Parameters<typeof defaultRangeExtractor>[0]) => {
        const near = defaultRangeExtractor(range);
        return kept < 0 || near.includes(kept) ? near : [...near, kept].sort((a, b) => a - b);
      },
      [kept],
    ),
  });
  return (
    <ul
      ref={list}
      className="flows"
      aria-label="Flows, newest first"
      aria-busy={isLoading}
      hidden={flows.length === 0}
      style={{ height: rows.getTotalSize() }}
      onFocus={({ target }) => setFocused(target.closest("li")?.dataset["flow"])}
      onBlur={() => setFocused(undefined)}
    >
      {rows.getVirtualItems().map(({ key, index, start }) => (
        <li
          key={key}
          ref={rows.measureElement}
          data-index={index}
          data-flow={flows[index]!.id}
          aria-setsize={isWhole ? flows.length : -1}
          aria-posinset={index + 1}
          style={{ transform: `translateY(${start - top}px)` }}
        >
          <Row flow={flows[index]!} now={now} isAtRest={!rows.isScrolling} />
        </li>
      ))}
    </ul>
  );
}

/** @param isAtRest nothing is asked for rows that fly past */
const Row = memo(function Row({ flow, now, isAtRest }: { flow: FlowSummary; now: number; isAtRest: boolean }) {
  const full = useFlowPicture(flow, isAtRest);
  const { id, prompt, action, provider, state, createdAt } = flow;
  const { status, endedAt, restartOf, restartedAs } = full ?? flow;
  const tasks = full?.tasks ?? [];
  const done = tasks.filter((task) => isEnded(task.status)).length;
  const shown = tasks.filter((task) => pictureOf(task)).slice(-4);
  const took = between(createdAt, endedAt);
  return (
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
          {restartOf && " · begun anew"}
          {restartedAs && " · went on elsewhere"}
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
  );
});
