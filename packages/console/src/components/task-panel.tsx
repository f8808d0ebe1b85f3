/** One task, all that is known of it, and what a person may do with it. */
import type { Button, Task } from "@mjflow/client";
import { actionOf, canonicalPress } from "@mjflow/core/button";
import { estimateUsd } from "@mjflow/core/price";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { buttonLabel, pressLabel, pressNeedsMask, pressNeedsModal } from "../lib/press.ts";
import { linkUrl } from "../lib/safe.ts";
import { between, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { ModalDialog } from "./modal-dialog.tsx";
import { Picture, pictureOf } from "./picture.tsx";
import { Problem } from "./problem.tsx";
import { Status, toneOf } from "./status.tsx";

interface PanelProps {
  task: Task;
  parent: Task | undefined;
  /** What stands in its place, since it was tried again. */
  retriedAs: Task | undefined;
  /** Its flow was: that is gone on with as a whole. */
  isCalledOff: boolean;
  /** The flow is to be read again. */
  onChanged(): void;
  onSelect(id: string): void;
}

export function TaskPanel({ task, parent, retriedAs, isCalledOff, onChanged, onSelect }: PanelProps) {
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
      <Trouble task={task} />
      <Retries task={task} retriedAs={retriedAs} onSelect={onSelect} />
      <Doing
        task={task}
        parent={parent}
        mayRetry={!retriedAs && !isCalledOff}
        onChanged={onChanged}
        onSelect={onSelect}
      />
      <Facts task={task} parent={parent} />
      <Raw task={task} />
      <VendorBody id={task.id} />
    </aside>
  );
}

function Links({ task }: { task: Task }) {
  const picture = pictureOf(task);
  const links = [
    ...(task.imageUrl ? [["vendor's picture", task.imageUrl] as const] : []),
    ...task.copies.map(({ url }, i) => [`our copy${task.copies.length > 1 ? ` ${i + 1}` : ""}`, url] as const),
    ...task.videos.map(({ url }, i) => [`video ${i + 1}`, url] as const),
  ];
  return (
    <>
      {picture && <Picture src={picture} alt="The result" lazy={false} />}
      {links.length > 0 && (
        <p className="links small">
          {links.map(([name, address]) => {
            const href = linkUrl(address);
            // Not an address to follow, but what the vendor said: shown as what it is.
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

function Trouble({ task: { failure, failReason, unclear, orphans, late } }: { task: Task }) {
  return (
    <>
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
              <p className="small">Offered was: {failure.offered.join(", ")}</p>
            )}
          </div>
        </div>
      )}
      {unclear && (
        <p className="note">
          The vendor may or may not have it. Its callback is awaited before anything is sent again: nothing is paid
          twice.
        </p>
      )}
      {orphans.map((orphan) => (
        <p className="note" key={orphan.attempt}>
          Attempt {orphan.attempt} turned up after all, and was paid for: about ${orphan.estimatedUsd.toFixed(3)}.
        </p>
      ))}
      {late && <p className="note">The vendor said {late.status} after this had ended.</p>}
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
          ↑ in place of one that was lost
        </button>
      )}
      {retriedAs && (
        <button type="button" className="link" onClick={() => onSelect(retriedAs.id)}>
          ↻ tried again: {toneOf(retriedAs.status)[1]}
        </button>
      )}
    </p>
  );
}

interface DoingProps extends Pick<PanelProps, "task" | "parent" | "onChanged" | "onSelect"> {
  mayRetry: boolean;
}

function Doing({ task, parent, mayRetry, onChanged, onSelect }: DoingProps) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const { act, busy, error, clear } = useAction();
  const [open, setOpen] = useState<{ button: Button } | "answer">();
  const { id, status, buttons } = task;

  async function press(button: Button, modal?: { prompt?: string; maskBase64?: string }) {
    const isDone = await act(button.customId, async () => {
      const made = await mjflow.tasks.press(id, { customId: button.customId, ...(modal && { modal }) });
      onSelect(made.id);
    });
    if (isDone) onChanged();
    return isDone;
  }
  async function again(name: string, work: () => Promise<unknown>) {
    const isDone = await act(name, work);
    if (isDone) onChanged();
    return isDone;
  }

  const isLost = status === "FAILURE" || status === "EXPIRED" || status === "CANCEL";
  return (
    <div className="doing">
      {status === "MODAL" && (
        <button type="button" className="primary" onClick={() => setOpen("answer")}>
          Answer the window
        </button>
      )}
      {isLost && mayRetry && can("POST", "/v1/tasks/{id}/retry") && (
        <button
          type="button"
          disabled={!!busy}
          onClick={() => again("retry", async () => onSelect((await mjflow.tasks.retry(id)).id))}
        >
          Retry, paid again
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
          title={open === "answer" ? "Answer the window" : buttonLabel(open.button)}
          picture={pictureOf(open === "answer" ? parent : task)}
          wantsMask={pressNeedsMask(open === "answer" ? (task.press ?? null) : open.button.name)}
          prompt={(open === "answer" ? parent : task)?.finalPrompt ?? ""}
          onClose={() => setOpen(undefined)}
          onSend={async (answer) => {
            const isDone =
              open === "answer"
                ? await again("answer", () => mjflow.tasks.modal(id, answer))
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
      "From the end of the picture before to this one being the vendor's",
    ],
    ["created to submitted", ms(between(createdAt, submittedAt))],
    ["submitted to end", ms(between(submittedAt, endedAt))],
    ["attempts", attempts],
    ["callbacks", duplicates > 0 ? `${callbacks}, ${duplicates} of them twice` : callbacks],
    ["look-ups", lookups || undefined],
    ["modals", modals || undefined],
    ["seed", seed],
    ["vendor's id", task.providerTaskId],
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
      <summary>As JSON</summary>
      {isOpen && <pre className="code">{JSON.stringify(task, null, 2)}</pre>}
    </details>
  );
}

/** Asked for when it is opened: it may be 32 KB, and few want it. */
function VendorBody({ id }: { id: string }) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const [isOpen, setOpen] = useState(false);
  const { data, error } = useQuery({ queryKey: ["raw", id], queryFn: () => mjflow.tasks.raw(id), enabled: isOpen });
  if (!can("GET", "/v1/tasks/{id}/raw")) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As the vendor said it</summary>
      {error && <Problem error={toMjflowError(error)} />}
      {data === null && <p className="faint small">Nothing was kept.</p>}
      {data && <pre className="code">{indented(data)}</pre>}
    </details>
  );
}

/** JSON for people; what is none stays as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
