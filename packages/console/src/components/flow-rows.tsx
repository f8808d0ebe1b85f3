/** Rows of flows. Only rows near the visible area exist, so a list of 10,000 flows costs as much as one of 20. */
import type { FlowListEntry } from "@mjflow/client";
import { defaultRangeExtractor, useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useLayoutEffect, useRef, useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { usd } from "../lib/money.ts";
import { actionLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { safeImageUrl } from "../lib/safe.ts";
import { ago, between, duration } from "../lib/time.ts";
import { useSimulated } from "../queries.ts";
import { t } from "../text/text.ts";
import { PromptText } from "./prompt-text.tsx";
import { ResultImage } from "./result-image.tsx";
import { Status } from "./status.tsx";

/** Estimated height of a row in px. Each row is measured when it is rendered. */
const ROW = 81;
/** Icons in the place of an image that a flow does not have. */
const NO_IMAGE: Readonly<Record<string, string>> = { describe: "eye", shorten: "scissors", video: "film" };
/** Number of rows above and below the visible area, for the next scroll step and for the Tab key. */
const OVERSCAN = 6;

export interface FlowRowsProps {
  flows: readonly FlowListEntry[];
  isLoading: boolean;
  /** True if all flows are loaded; false if more may follow, so that the total is unknown. */
  isWhole: boolean;
  now: number;
}

export function FlowRows({ flows, isLoading, isWhole, now }: FlowRowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  // The height above the list changes when a filter wraps or a problem is shown.
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0));
  const [focused, setFocused] = useState<string>();
  const focusedIndex = focused === undefined ? -1 : flows.findIndex(({ id }) => id === focused);
  const rows = useWindowVirtualizer<HTMLLIElement>({
    count: flows.length,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    scrollMargin: top,
    getItemKey: useCallback((index: number) => flows[index]!.id, [flows]),
    // The focused row stays rendered while it is scrolled away. Otherwise the Tab key would restart at the top.
    rangeExtractor: useCallback(
      (range: Parameters<typeof defaultRangeExtractor>[0]) => {
        const near = defaultRangeExtractor(range);
        return focusedIndex < 0 || near.includes(focusedIndex) ? near : [...near, focusedIndex].sort((a, b) => a - b);
      },
      [focusedIndex],
    ),
  });
  return (
    <ul
      ref={list}
      className="flows"
      aria-label={t.flows.label}
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
          <Row flow={flows[index]!} now={now} />
        </li>
      ))}
    </ul>
  );
}

const Row = memo(function Row({ flow, now }: { flow: FlowListEntry; now: number }) {
  const { id, prompt, action, provider, state, createdAt, status, endedAt, restartOf, restartedAs } = flow;
  const { taskCounts, costUsd, estimatedUsd, previewUrl } = flow;
  const took = between(createdAt, endedAt);
  const total = taskCounts ? taskCounts.planned + taskCounts.running + taskCounts.done + taskCounts.failed : 0;
  const image = safeImageUrl(previewUrl);
  const isSimulated = useSimulated().has(provider);
  return (
    <a className="flow-row" href={hrefOf({ page: "flow", id })}>
      <span className="thumb" aria-hidden="true">
        {!image && status === "running" ? (
          <span className="image soon thumb" />
        ) : image ? (
          <ResultImage src={image} alt="" className="thumb" />
        ) : (
          <span className="image thumb none">
            <Icon name={NO_IMAGE[action] ?? "image"} size="large" />
          </span>
        )}
      </span>
      <span className="what">
        <span className="prompt" dir="auto">
          {prompt === null ? <span className="press">{actionLabel(action)}</span> : <PromptText prompt={prompt} />}
        </span>
        <span className="faint small">
          <bdi>{provider}</bdi>
          {isSimulated && ` (${t.common.simulated})`} · {ago(createdAt, now)}
          {took !== undefined && ` · ${t.flows.took(duration(took))}`}
          {restartOf && ` · ${t.flows.isRestart}`}
          {restartedAs && ` · ${t.flows.isRestarted}`}
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
        {taskCounts && (
          <>
            {status === "running" && <progress max={total} value={taskCounts.done} aria-hidden="true" />}
            <span className="faint small number">
              {t.flows.done(taskCounts.done, total)}
              {taskCounts.failed > 0 && ` · ${t.flows.failed(taskCounts.failed)}`}
              {costUsd != null &&
                ` · ${status === "running" ? t.flows.costOf(usd(costUsd), usd(estimatedUsd ?? costUsd)) : usd(costUsd)}`}
            </span>
          </>
        )}
      </span>
    </a>
  );
});
