/** Rows of flows. Only rows near the visible area exist, so a list of 10,000 flows costs as much as one of 20. */
import type { FlowListEntry } from "@mjflow/client";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { usd } from "../lib/money.ts";
import { actionLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { equalEdges } from "../lib/rows.ts";
import { safeImageUrl } from "../lib/safe.ts";
import { ago, between, duration } from "../lib/time.ts";
import { useSimulated } from "../queries.ts";
import { usePlace, useShownRows } from "../shown-rows.ts";
import { t } from "../text/text.ts";
import { PromptText } from "./prompt-text.tsx";
import { ResultImage } from "./result-image.tsx";
import { Status } from "./status.tsx";

/** Height of a row on a wide page, px, until the first one is laid out. `flows.css` gives all rows the same height. */
const ROW = 81;
/** Icons in the place of an image that a flow does not have. */
const NO_IMAGE: Readonly<Record<string, string>> = { describe: "eye", shorten: "scissors", video: "film" };
export interface FlowRowsProps {
  flows: readonly FlowListEntry[];
  isLoading: boolean;
  /** True if all flows are loaded; false if more may follow, so that the total is unknown. */
  isWhole: boolean;
  now: number;
}

export function FlowRows({ flows, isLoading, isWhole, now }: FlowRowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const { top, width } = usePlace(list);
  const [height, setHeight] = useState(ROW);
  const isEmpty = flows.length === 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first row, and another width, can have another height
  useLayoutEffect(() => {
    const row = list.current!.querySelector("li");
    if (row) setHeight(row.getBoundingClientRect().height);
  }, [width, isEmpty]);
  const edges = useMemo(() => equalEdges(flows.length, height), [flows.length, height]);
  const [first, end] = useShownRows(edges, top);
  // The focused row stays rendered while it is scrolled away. Otherwise the Tab key would restart at the top.
  const [focused, setFocused] = useState<string>();
  const focusedIndex = focused === undefined ? -1 : flows.findIndex(({ id }) => id === focused);
  const near = Array.from({ length: end - first }, (_, i) => first + i);
  if (focusedIndex >= 0 && focusedIndex < first) near.unshift(focusedIndex);
  if (focusedIndex >= end) near.push(focusedIndex);
  return (
    <ul
      ref={list}
      className="flows"
      aria-label={t.flows.label}
      aria-busy={isLoading}
      hidden={isEmpty}
      style={{ height: edges.at(-1) }}
      onFocus={({ target }) => setFocused(target.closest("li")?.dataset["flow"])}
      onBlur={() => setFocused(undefined)}
    >
      {near.map((index) => (
        <li
          key={flows[index]!.id}
          data-flow={flows[index]!.id}
          aria-setsize={isWhole ? flows.length : -1}
          aria-posinset={index + 1}
          style={{ transform: `translateY(${edges[index]}px)` }}
        >
          <Row flow={flows[index]!} now={now} />
        </li>
      ))}
    </ul>
  );
}

const Row = memo(function Row({ flow, now }: { flow: FlowListEntry; now: number }) {
  const { id, prompt, action, provider, account, state, createdAt, status, endedAt, restartOf, restartedAs } = flow;
  const { taskCounts, costUsd, estimatedUsd, previewUrl } = flow;
  const took = between(createdAt, endedAt);
  const total = taskCounts ? taskCounts.planned + taskCounts.running + taskCounts.done + taskCounts.failed : 0;
  const image = safeImageUrl(previewUrl);
  const isSimulated = useSimulated()(provider, account);
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
