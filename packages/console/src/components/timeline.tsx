/** A flow over time: one row for each task, with its waiting, submitting and drawing times. */

import { useNow } from "../hooks.ts";
import type { FlowNode } from "../lib/flow-plan.ts";
import { actionLabel, pressLabel } from "../lib/press.ts";
import { duration } from "../lib/time.ts";
import { timelineOf } from "../lib/timeline.ts";
import { t } from "../text/page-text.ts";
import { ResultImage, resultImageUrl } from "./result-image.tsx";
import { Status, toneOf } from "./status.tsx";

export function Timeline(props: {
  nodes: readonly FlowNode[];
  selected: string | undefined;
  onSelect(id: string): void;
}) {
  const { nodes, selected, onSelect } = props;
  const now = useNow(1_000);
  const { rows, totalMs, marks } = timelineOf(nodes, now);
  const percent = (ms: number) => `${(ms / totalMs) * 100}%`;
  return (
    <div className="timeline">
      <table>
        <thead>
          <tr>
            <th scope="col">{t.flow.task}</th>
            <th scope="col">
              <span className="marks">
                {marks.map((ms) => (
                  <span key={ms} style={{ left: percent(ms) }}>
                    {duration(ms)}
                  </span>
                ))}
              </span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ node, depth, startMs, submittedMs, endMs }) => {
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
                  {startMs === undefined || endMs === undefined ? (
                    <span className="faint small">
                      {step?.status === "skipped" ? t.status.skipped : t.status.planned}
                    </span>
                  ) : (
                    <span className="bars">
                      <i
                        className="waiting"
                        style={{ left: percent(startMs), width: percent((submittedMs ?? endMs) - startMs) }}
                      />
                      {submittedMs !== undefined && (
                        <i
                          className={`drawing ${task ? toneOf(task.status)[0] : ""}`}
                          style={{ left: percent(submittedMs), width: percent(endMs - submittedMs) }}
                        />
                      )}
                      <span className="small number" style={{ left: percent(endMs) }}>
                        {duration(endMs - startMs)}
                      </span>
                    </span>
                  )}
                  {task && (
                    <span className="unseen">
                      <Status of={task.status} />
                      {submittedMs !== undefined &&
                        startMs !== undefined &&
                        `, ${t.flow.waitedAndDrawn(duration(submittedMs - startMs), duration((endMs ?? 0) - submittedMs))}`}
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="faint small legend">
        <i className="waiting" /> {t.flow.waiting} <i className="drawing run" /> {t.flow.atVendor}
        <i className="drawing ok" /> {t.status.SUCCESS} <i className="drawing bad" /> {t.status.FAILURE}
      </p>
    </div>
  );
}
