/** The legend of a flow's tree, which is a filter of it, and the list of the failed tasks. */
import type { Flow, Task } from "@mjflow/client";
import { Icon } from "../kit/icon.tsx";
import { priceOfRetries } from "../lib/flow-plan.ts";
import { usd } from "../lib/money.ts";
import { NODE_GROUPS, type NodeGroup } from "../lib/node-group.ts";
import { nameOfTask } from "../lib/press.ts";
import { useAction, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { useAskPrice } from "./ask-price.ts";
import { Problem } from "./problem.tsx";

export function TreeLegend(props: {
  groups: ReadonlyMap<string, NodeGroup>;
  chosen: NodeGroup | undefined;
  onChoose(group: NodeGroup | undefined): void;
}) {
  const { groups, chosen, onChoose } = props;
  const all = [...groups.values()];
  return (
    <fieldset className="tree-legend" onPointerDown={(event) => event.stopPropagation()}>
      <legend className="unseen">{t.flow.legend}</legend>
      {NODE_GROUPS.map((group) => {
        const count = all.filter((each) => each === group).length;
        if (count === 0 && group !== chosen) return null;
        return (
          <button
            key={group}
            type="button"
            aria-pressed={group === chosen}
            title={t.flow.showOnly}
            onClick={() => onChoose(group === chosen ? undefined : group)}
          >
            <i className={group} aria-hidden="true" />
            {t.flow.groups[group]} <span className="number">{count}</span>
          </button>
        );
      })}
    </fieldset>
  );
}

/** @param tasks the failed tasks that were not retried */
export function FailedList(props: {
  flow: Flow;
  tasks: readonly Task[];
  selected: string | undefined;
  onSelect(id: string): void;
  onChanged(): void;
}) {
  const { flow, tasks, selected, onSelect, onChanged } = props;
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const { act, off, error, clear } = useAction();
  const askPrice = useAskPrice();
  // A banned prompt fails again, and a canceled flow has to be resumed as a whole.
  const retryable = tasks.filter(({ failure }) => failure?.code !== "banned_prompt");
  const mayRetry = flow.canceledAt === null && retryable.length > 0 && can("POST", "/v1/tasks/{id}/retry");
  const priceUsd = priceOfRetries(flow, retryable);
  const name = t.flow.retryCount(retryable.length);
  async function retry() {
    if (!(await askPrice({ name, priceUsd, isAtMost: true }))) return;
    await act("retry", async () => {
      for (const { id } of retryable) await mjflow.tasks.retry(id);
    });
    onChanged();
  }
  return (
    <section className="failed-list" aria-label={t.flow.groups.failed}>
      {mayRetry && (
        <button type="button" className="primary" {...off} onClick={() => void retry()}>
          <Icon name="rotate-ccw" />
          {name} <span className="price">≤ {usd(priceUsd)}</span>
        </button>
      )}
      <Problem error={error} onClose={clear} />
      {tasks.length === 0 && <p className="faint small">{t.flow.noneFailed}</p>}
      <ul>
        {tasks.map((task) => (
          <li key={task.id}>
            <button
              type="button"
              aria-current={task.id === selected ? "true" : undefined}
              onClick={() => onSelect(task.id)}
            >
              <Icon name="circle-alert" className="bad" />
              <span>
                <span className="press">{nameOfTask(task)}</span>
                <span className="small faint">{reasonOf(task)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {tasks.length > 1 && (
        <p className="small faint keys">
          <kbd>j</kbd> <kbd>k</kbd> {t.flow.stepsHint}
        </p>
      )}
    </section>
  );
}

function reasonOf({ failure, status }: Task): string {
  if (!failure) return t.status[status];
  return t.problem.failures[failure.code] ?? failure.code.replaceAll("_", " ");
}
