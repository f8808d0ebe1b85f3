import type { Flow, Task } from "@mjflow/client";
import { useMemo } from "react";
import { CopyButton } from "../components/copy.tsx";
import { Problem } from "../components/problem.tsx";
import { ResultImage, resultImageUrl } from "../components/result-image.tsx";
import { isEnded, Status, toneOf } from "../components/status.tsx";
import { TaskPanel } from "../components/task-panel.tsx";
import { TreeView } from "../components/tree-view.tsx";
import { useNow } from "../hooks.ts";
import { pressLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { ago, between, duration } from "../lib/time.ts";
import { layout } from "../lib/tree.ts";
import { type LiveFlow, useAction, useApiCapabilities, useLiveFlow } from "../queries.ts";
import { useMjflow } from "../session.ts";

export function FlowPage({ id, task }: { id: string; task: string | undefined }) {
  const live = useLiveFlow(id);
  const { flow, error } = live;
  if (!flow) {
    return (
      <section className="page">
        <h1>Flow</h1>
        {error ? <Problem error={error} /> : <p className="empty">Loading…</p>}
      </section>
    );
  }
  return <FlowContent flow={flow} live={live} selected={task ?? flow.tasks[0]?.id} />;
}

function FlowContent({ flow, live, selected }: { flow: Flow; live: LiveFlow; selected: string | undefined }) {
  const tree = useMemo(() => layout(flow.tasks), [flow.tasks]);
  const byId = useMemo(() => new Map(flow.tasks.map((task) => [task.id, task])), [flow.tasks]);
  const task = selected === undefined ? undefined : byId.get(selected);
  const parent = task?.parentId ? byId.get(task.parentId) : undefined;
  // Selecting a task adds no entry to the browser history.
  const select = (to: string) => location.replace(hrefOf({ page: "flow", id: flow.id, task: to }));
  return (
    <section className="page wide">
      <Head flow={flow} live={live} />
      <Problem error={live.error} />
      <div className="flow-body">
        <div>
          <TreeView
            label="Lineage"
            layout={tree}
            selected={task?.id}
            onSelect={select}
            toneOf={({ status }) => toneOf(status)[0]}
          >
            {(node) => <Card task={node} />}
          </TreeView>
        </div>
        {task && (
          <TaskPanel
            key={task.id}
            task={task}
            parent={parent}
            retriedAs={flow.tasks.find(({ retryOf }) => retryOf === task.id)}
            isFlowCanceled={flow.canceledAt !== null}
            onChanged={live.again}
            onSelect={select}
          />
        )}
      </div>
      <Announcement tasks={flow.tasks} />
    </section>
  );
}

function Head({ flow, live }: { flow: Flow; live: LiveFlow }) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const { act, busy, error, clear } = useAction();
  const now = useNow(1_000);
  const { id, status, prompt, action, provider, mode, state, counts, createdAt, endedAt, notifyHook, canceledAt } =
    flow;
  const took = between(createdAt, endedAt) ?? now - Date.parse(createdAt);
  const done = flow.tasks.filter((task) => isEnded(task.status)).length;
  const retried = new Set(flow.tasks.map(({ retryOf }) => retryOf));
  const hasFailed = flow.tasks.some(
    (task) => isEnded(task.status) && task.status !== "SUCCESS" && !retried.has(task.id),
  );
  const canResume = canceledAt !== null || (status !== "running" && hasFailed);
  const run = (name: string, work: () => Promise<unknown>) => act(name, work).then((isDone) => isDone && live.again());
  return (
    <>
      <div className="head">
        <h1 className="prompt-title" dir="auto">
          {prompt ?? action}
        </h1>
        <div className="actions">
          {status === "running" && !flow.canceledAt && can("POST", "/v1/flows/{id}/cancel") && (
            <button type="button" disabled={!!busy} onClick={() => run("cancel", () => mjflow.flows.cancel(id))}>
              Cancel flow
            </button>
          )}
          {canResume && can("POST", "/v1/flows/{id}/resume") && (
            <button
              type="button"
              disabled={!!busy}
              title="Charged like new tasks"
              onClick={() => run("resume", () => mjflow.flows.resume(id))}
            >
              {canceledAt ? "Resume" : "Retry failed tasks"}
            </button>
          )}
        </div>
      </div>
      <p className="facts">
        <Status of={status} />
        {live.isLive && <span className="live">live</span>}
        <span>
          {provider}
          {mode && `, ${mode}`}
        </span>
        <span>
          <time dateTime={createdAt} title={createdAt}>
            {ago(createdAt, now)}
          </time>
          , {status === "running" ? "for" : "took"} {duration(took)}
        </span>
        <span>
          {done} of {flow.tasks.length} ended
        </span>
        {canceledAt && (
          <span>
            canceled <time dateTime={canceledAt}>{ago(canceledAt, now)}</time>
            {status === "running" && ": no new tasks are submitted, submitted tasks finish"}
          </span>
        )}
        <Restart of={flow.restartOf} words="replaces" />
        <Restart of={flow.restartedAs} words="vendor lost; continued as" />
        {state !== null && (
          <span>
            state <bdi className="mono">{state}</bdi>
          </span>
        )}
        {notifyHook && (
          <span>
            notifyHook <bdi className="mono">{notifyHook}</bdi>
          </span>
        )}
      </p>
      <dl className="counts">
        {(
          [
            ["submissions", counts.submissions, "Paid calls to the vendor"],
            ["callbacks", counts.callbacks, "Callbacks"],
            ["duplicates", counts.duplicates, "Duplicate callbacks"],
            ["look-ups", counts.lookups, "Look-ups"],
            ["modals", counts.modals, "Modal answers"],
            ["writes", counts.writes, "Writes of the flow's rows to the table, as of the last read"],
          ] as const
        ).map(([name, count, help]) => (
          <div key={name} title={help}>
            <dt>{name}</dt>
            <dd>{count}</dd>
          </div>
        ))}
        <div className="id">
          <dt>id</dt>
          <dd>
            <code>{id}</code> <CopyButton text={id} />
          </dd>
        </div>
      </dl>
      <Problem error={error} onClose={clear} />
    </>
  );
}

/** Link to the flow with the same plan at another vendor. */
function Restart({ of, words }: { of: string | null; words: string }) {
  if (!of) return null;
  return (
    <span>
      {words}{" "}
      <a className="mono" href={hrefOf({ page: "flow", id: of, task: undefined })}>
        {of}
      </a>
    </span>
  );
}

function Card({ task }: { task: Task }) {
  const { status, progress, press, action, retryOf } = task;
  const isRunning = !isEnded(status);
  return (
    <>
      <span className="node-image">
        <CardImage task={task} />
        {isRunning && <progress max={100} value={progress} aria-hidden="true" />}
      </span>
      <span className="node-words">
        <span className="press">
          {press === null ? action.toLowerCase() : pressLabel(press)}
          {retryOf && <span className="faint small"> retry</span>}
        </span>
        <Status of={status} />
      </span>
    </>
  );
}

/** Shows the image so far. If there is none, it shows the failure code, or else the progress or status. */
function CardImage({ task }: { task: Task }) {
  const { status, progress, failure } = task;
  const image = resultImageUrl(task);
  if (image) return <ResultImage src={image} alt="" />;
  if (failure) return <span className="image why">{failure.code.replaceAll("_", " ")}</span>;
  return <span className="image soon">{status === "IN_PROGRESS" ? `${progress}%` : toneOf(status)[1]}</span>;
}

function nameOf({ press, action, status, progress }: Task): string {
  const what = press === null ? action.toLowerCase() : pressLabel(press);
  return `${what}, ${toneOf(status)[1]}${status === "IN_PROGRESS" ? ` ${progress}%` : ""}`;
}

/** Announces the task that ended last to screen readers. It does not announce each percent of progress. */
function Announcement({ tasks }: { tasks: readonly Task[] }) {
  const last = tasks
    .filter(({ endedAt, status }) => endedAt !== null || status === "MODAL")
    .toSorted((a, b) => ((a.endedAt ?? "~") < (b.endedAt ?? "~") ? 1 : -1))[0];
  return (
    <p className="unseen" aria-live="polite">
      {last && nameOf(last)}
    </p>
  );
}
