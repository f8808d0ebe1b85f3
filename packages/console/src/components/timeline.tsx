/** A flow over time: one row for each task, with the time that it was queued, submitting and drawing. */

import type { Flow } from "@mjflow/client";
import type { CSSProperties } from "react";
import { useNow } from "../hooks.ts";
import { type FlowNode, priceOfPress } from "../lib/flow-plan.ts";
import { usd } from "../lib/money.ts";
import { actionLabel, pressLabel } from "../lib/press.ts";
import { duration } from "../lib/time.ts";
import { type TimelineRow, timelineOf } from "../lib/timeline.ts";
import { t } from "../text/page-text.ts";
import { ResultImage, resultImageUrl } from "./result-image.tsx";
import { Status, toneOf } from "./status.tsx";

/** Width of the bar of a step that is planned, percent: its duration is not known. */
const PLANNED_WIDTH = 6;
/** A mark of the axis that is nearer to now has no room for its label, as a share of the whole. */
const NEAR_NOW = 0.04;

export function Timeline(props: {
  nodes: readonly FlowNode[];
  mode: Flow["mode"];
  selected: string | undefined;
  onSelect(id: string): void;
}) {
  const { nodes, mode, selected, onSelect } = props;
  const { rows, totalMs, marks, nowMs, sums } = timelineOf(nodes, useNow(1_000));
  const share = (ms: number) => `${(ms / totalMs) * 100}%`;
  const variables = {
    ["--mark" as string]: share(marks[1] ?? totalMs),
    ...(nowMs !== undefined && { ["--now" as string]: share(nowMs) }),
  } as CSSProperties;
  const isShown = (ms: number) => nowMs === undefined || Math.abs(ms - nowMs) > totalMs * NEAR_NOW;
  const { drawing, queued, submitting, followUps } = t.flow.times;
  const whole = [
    drawing(duration(sums.drawingMs)),
    queued(duration(sums.queuedMs)),
    submitting(duration(sums.submittingMs)),
    followUps(duration(sums.followUpMs)),
  ];
  return (
    <div className="timeline">
      <p className="small faint">
        {t.flow.longestPath} <span className="number">{whole.join(" · ")}</span>
      </p>
      <table style={variables} className={nowMs === undefined ? undefined : "running"}>
        <thead>
          <tr>
            <th scope="col">{t.flow.task}</th>
            <th scope="col">
              <span className="marks">
                {marks.filter(isShown).map((ms) => (
                  <span key={ms} style={{ left: share(ms) }}>
                    {duration(ms)}
                  </span>
                ))}
                {nowMs !== undefined && (
                  <span className="now" style={{ left: share(nowMs) }}>
                    {t.flow.now}
                  </span>
                )}
              </span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const { node, depth } = row;
            const { task, step } = node;
            const name = task?.press ?? step?.press ?? null;
            const label = name === null ? (task ? actionLabel(task.action) : "") : pressLabel(name);
            return (
              <tr key={node.id} className={node.id === selected ? "selected" : undefined}>
                <th scope="row">
                  <button
                    type="button"
                    className="quiet"
                    style={{ paddingInlineStart: 8 + Math.min(depth, 8) * 14 }}
                    onClick={() => onSelect(node.id)}
                  >
                    {task && resultImageUrl(task) ? (
                      <ResultImage src={resultImageUrl(task)} alt="" className="row-image" />
                    ) : (
                      <span className="image row-image" />
                    )}
                    <span className="press">{label}</span>
                  </button>
                </th>
                <td>
                  {task ? (
                    <Bars row={row} share={share} />
                  ) : (
                    <Planned step={step!} mode={mode} at={nowMs === undefined ? undefined : share(nowMs)} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="faint small legend">
        <i className="queued" /> {t.flow.queued}
        <i className="submitting" /> {t.flow.submitting}
        <i className="drawing run" /> {t.status.IN_PROGRESS}
        <i className="drawing ok" /> {t.status.SUCCESS}
        <i className="drawing bad" /> {t.status.FAILURE}
        <i className="planned" /> {t.status.planned}
      </p>
    </div>
  );
}

function Bars({ row, share }: { row: TimelineRow; share(ms: number): string }) {
  const { task } = row.node;
  const { startMs = 0, submittingMs, submittedMs, endMs = 0 } = row;
  const queuedUntil = submittingMs ?? submittedMs ?? endMs;
  const bar = (name: string, from: number, to: number) => (
    <i className={name} style={{ left: share(from), width: share(to - from) }} />
  );
  const words = [t.flow.times.queued(duration(queuedUntil - startMs))];
  if (submittingMs !== undefined) words.push(t.flow.times.submitting(duration((submittedMs ?? endMs) - submittingMs)));
  if (submittedMs !== undefined) words.push(t.flow.times.drawing(duration(endMs - submittedMs)));
  const text = words.join(" · ");
  return (
    <>
      <span className="bars" title={text}>
        {bar("queued", startMs, queuedUntil)}
        {submittingMs !== undefined && bar("submitting", submittingMs, submittedMs ?? endMs)}
        {submittedMs !== undefined && bar(`drawing ${toneOf(task!.status)[0]}`, submittedMs, endMs)}
        <span className="small number" style={{ left: share(endMs) }}>
          {duration(endMs - startMs)}
        </span>
      </span>
      <span className="unseen">
        <Status of={task!.status} /> {text}
      </span>
    </>
  );
}

/** A step without a task. While the flow runs, its bar stands after now. */
function Planned(props: { step: NonNullable<FlowNode["step"]>; mode: Flow["mode"]; at: string | undefined }) {
  const { step, mode, at } = props;
  const isPlanned = step.status === "planned";
  const words = isPlanned ? t.flow.plannedFor(usd(priceOfPress(step.press, mode))) : t.status.skipped;
  if (!isPlanned || at === undefined) return <span className="faint small">{words}</span>;
  return (
    <span className="bars" title={words}>
      <i className="planned" style={{ left: at, width: `${PLANNED_WIDTH}%` }} />
      <span className="unseen">{words}</span>
    </span>
  );
}
