/** All data of one task and the actions on the task. */
import type { Button, Task, Waits } from "@mjflow/client";
import { actionOf, canonicalPress } from "@mjflow/core/button";
import { estimateUsd } from "@mjflow/core/price";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { buttonLabel, pressLabel, pressNeedsMask, pressNeedsModal } from "../lib/press.ts";
import { safeLinkUrl } from "../lib/safe.ts";
import { between, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { ModalDialog } from "./modal-dialog.tsx";
import { Problem } from "./problem.tsx";
import { ResultImage, resultImageUrl } from "./result-image.tsx";
import { Status, toneOf } from "./status.tsx";

interface PanelProps {
  task: Task;
  parent: Task | undefined;
  /** Retry of this task; unset if there is none. */
  retriedAs: Task | undefined;
  /** True if the flow is canceled. Then only the whole flow can be resumed. */
  isFlowCanceled: boolean;
  /** Reads the flow again after an action. */
  onChanged(): void;
  onSelect(id: string): void;
}

export function TaskPanel({ task, parent, retriedAs, isFlowCanceled, onChanged, onSelect }: PanelProps) {
  const { press, action, status, text, finalPrompt } = task;
  return (
    <aside className="panel card" aria-label="Task">
      <header>
        <h2>{press === null ? action.toLowerCase() : pressLabel(press)}</h2>
        <Status of={status} />
      </header>
      <Links task={task} />
      {finalPrompt && (
        <p className="small" dir="auto">
          {finalPrompt}
        </p>
      )}
      {text && (action === "DESCRIBE" || action === "SHORTEN") && (
        <p className="quote small" dir="auto">
          {text}
        </p>
      )}
      <Warnings task={task} />
      <Retries task={task} retriedAs={retriedAs} onSelect={onSelect} />
      <TaskActions
        task={task}
        parent={parent}
        mayRetry={!retriedAs && !isFlowCanceled}
        onChanged={onChanged}
        onSelect={onSelect}
      />
      <Facts task={task} parent={parent} />
      <Raw task={task} />
      <RawResponse id={task.id} />
    </aside>
  );
}

function Links({ task }: { task: Task }) {
  const image = resultImageUrl(task);
  const links = [
    ...(task.imageUrl ? [["Vendor image", task.imageUrl] as const] : []),
    ...task.copies.map(({ url }, i) => [`Archived copy${task.copies.length > 1 ? ` ${i + 1}` : ""}`, url] as const),
    ...task.videos.map(({ url }, i) => [`Video ${i + 1}`, url] as const),
  ];
  return (
    <>
      {image && <ResultImage src={image} alt="The result" lazy={false} />}
      {(task.copyFailures ?? []).map(({ source, code, message }) => (
        <p key={source} className="problem small">
          No archived copy: {message} <code>{code}</code>
        </p>
      ))}
      {links.length > 0 && (
        <p className="links small">
          {links.map(([name, address]) => {
            const href = safeLinkUrl(address);
            // The vendor sent text that is not a safe link, so it is shown as text.
            if (!href) return <code key={name + address}>{address}</code>;
            return (
              <a key={name + address} href={href} target="_blank" rel="noreferrer noopener">
                {name} ↗
              </a>
            );
          })}
        </p>
      )}
    </>
  );
}

const WAIT_REASONS: Record<Waits["reason"], string> = {
  busy: "the vendor is busy",
  full: "the account is full",
  calls: "too many calls to the vendor are open",
  order: "other tasks came first",
};

/** Why the task waits for its vendor account, and how many tasks come first. */
function Waiting({ waits: { reason, ahead, atLeast } }: { waits: Waits }) {
  const many = ahead === 0 && !atLeast ? "next in turn" : `${atLeast ? "at least " : ""}${ahead} ahead`;
  return (
    <p className="note">
      Waits: {WAIT_REASONS[reason] ?? reason}
      {ahead !== null && `, ${many}`}.
    </p>
  );
}

function Warnings({ task: { failure, failReason, unclear, waits, orphans, late } }: { task: Task }) {
  return (
    <>
      {waits && <Waiting waits={waits} />}
      {failure && (
        <div className="problem">
          <div>
            <strong dir="auto">{failReason ?? failure.message}</strong>
            {failReason !== failure.message && <p>{failure.message}</p>}
            <p className="faint">
              <code>{failure.code}</code>
              {failure.vendor?.bannedWord && (
                <>
                  {" "}
                  · banned: <bdi>{failure.vendor.bannedWord}</bdi>
                </>
              )}
            </p>
            {failure.offered && failure.offered.length > 0 && (
              <p className="small">Buttons of the task: {failure.offered.join(", ")}</p>
            )}
          </div>
        </div>
      )}
      {unclear && (
        <p className="note">
          The vendor may or may not have this task. mjflow waits for the callback before it submits again, so that the
          task is not paid twice.
        </p>
      )}
      {orphans.map((orphan) => (
        <p className="note" key={orphan.attempt}>
          Attempt {orphan.attempt} was accepted later and is charged: about ${orphan.estimatedUsd.toFixed(3)}.
        </p>
      ))}
      {late && <p className="note">Late report from the vendor: {late.status}.</p>}
    </>
  );
}

function Retries({ task, retriedAs, onSelect }: Pick<PanelProps, "task" | "retriedAs" | "onSelect">) {
  const { retryOf } = task;
  if (!retryOf && !retriedAs) return null;
  return (
    <p className="small links">
      {retryOf && (
        <button type="button" className="link" onClick={() => onSelect(retryOf)}>
          ↑ retry of a failed task
        </button>
      )}
      {retriedAs && (
        <button type="button" className="link" onClick={() => onSelect(retriedAs.id)}>
          ↻ retried: {toneOf(retriedAs.status)[1]}
        </button>
      )}
    </p>
  );
}

interface TaskActionsProps extends Pick<PanelProps, "task" | "parent" | "onChanged" | "onSelect"> {
  mayRetry: boolean;
}

function TaskActions({ task, parent, mayRetry, onChanged, onSelect }: TaskActionsProps) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const { act, busy, error, clear } = useAction();
  const [open, setOpen] = useState<{ button: Button } | "answer">();
  const { id, status, buttons } = task;

  async function press(button: Button, modal?: { prompt?: string; maskBase64?: string }) {
    const isDone = await act(button.customId, async () => {
      const child = await mjflow.tasks.press(id, { customId: button.customId, ...(modal && { modal }) });
      onSelect(child.id);
    });
    if (isDone) onChanged();
    return isDone;
  }
  async function run(name: string, work: () => Promise<unknown>) {
    const isDone = await act(name, work);
    if (isDone) onChanged();
    return isDone;
  }

  const isFailed = status === "FAILURE" || status === "EXPIRED" || status === "CANCEL";
  return (
    <div className="task-actions">
      {status === "MODAL" && (
        <button type="button" className="primary" onClick={() => setOpen("answer")}>
          Answer modal
        </button>
      )}
      {isFailed && mayRetry && can("POST", "/v1/tasks/{id}/retry") && (
        <button
          type="button"
          disabled={!!busy}
          onClick={() => run("retry", async () => onSelect((await mjflow.tasks.retry(id)).id))}
        >
          Retry (charged)
        </button>
      )}
      {status === "SUCCESS" && buttons.length > 0 && (
        <fieldset>
          <legend>Press</legend>
          <div className="chips">
            {buttons.map((button) => (
              <button
                key={button.customId}
                type="button"
                className="chip"
                disabled={!!busy}
                title={`${button.label || button.emoji} · about $${priceOf(button)}`}
                onClick={() => (pressNeedsModal(button.name) ? setOpen({ button }) : press(button))}
              >
                {busy === button.customId ? "…" : buttonLabel(button)}
              </button>
            ))}
          </div>
        </fieldset>
      )}
      <Problem error={error} onClose={clear} />
      {open && (
        <ModalDialog
          title={open === "answer" ? "Answer modal" : buttonLabel(open.button)}
          image={resultImageUrl(open === "answer" ? parent : task)}
          wantsMask={pressNeedsMask(open === "answer" ? (task.press ?? null) : open.button.name)}
          prompt={(open === "answer" ? parent : task)?.finalPrompt ?? ""}
          onClose={() => setOpen(undefined)}
          onSend={async (answer) => {
            const isDone =
              open === "answer"
                ? await run("answer", () => mjflow.tasks.modal(id, answer))
                : await press(open.button, answer);
            if (isDone) setOpen(undefined);
            return isDone;
          }}
          error={error}
        />
      )}
    </div>
  );
}

function priceOf({ name }: Button): string {
  const action = actionOf(name === null ? undefined : canonicalPress(name));
  return estimateUsd({ action, pace: action === "VIDEO" ? "video" : "fast" }).toFixed(2);
}

function Facts({ task, parent }: { task: Task; parent: Task | undefined }) {
  const { createdAt, submittedAt, endedAt, attempts, callbacks, duplicates, lookups, modals, seed } = task;
  const ms = (value: number | undefined) => (value === undefined ? undefined : duration(value));
  const facts: [string, string | number | null | undefined, string?][] = [
    [
      "callback to follow-up",
      ms(between(parent?.endedAt, submittedAt)),
      "From the end of the parent task to the submission of this task",
    ],
    ["created to submitted", ms(between(createdAt, submittedAt))],
    ["submitted to end", ms(between(submittedAt, endedAt))],
    ["attempts", attempts],
    ["callbacks", duplicates > 0 ? `${callbacks}, ${duplicates} duplicates` : callbacks],
    ["look-ups", lookups || undefined],
    ["modals", modals || undefined],
    ["seed", seed],
    ["vendor task id", task.providerTaskId],
    ["id", task.id],
  ];
  return (
    <dl className="facts-list">
      {facts.map(([name, value, help]) =>
        value === undefined || value === null ? null : (
          <div key={name} title={help}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Raw({ task }: { task: Task }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>JSON</summary>
      {isOpen && <pre className="code">{JSON.stringify(task, null, 2)}</pre>}
    </details>
  );
}

/** Raw vendor response. It is requested only when the user opens it, because it may have 32 KB. */
function RawResponse({ id }: { id: string }) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const [isOpen, setOpen] = useState(false);
  const { data, error } = useQuery({ queryKey: ["raw", id], queryFn: () => mjflow.tasks.raw(id), enabled: isOpen });
  if (!can("GET", "/v1/tasks/{id}/raw")) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Raw vendor response</summary>
      {error && <Problem error={toMjflowError(error)} />}
      {data === null && <p className="faint small">No raw response stored.</p>}
      {data && <pre className="code">{indented(data)}</pre>}
    </details>
  );
}

/** Indents JSON. Text that is not JSON is returned unchanged. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
