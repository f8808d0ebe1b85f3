/** All data of one task and the actions on the task. */
import type { Button, Flow, Task, Waits } from "@mjflow/client";
import { canonicalPress } from "@mjflow/core/button";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Code } from "../kit/code.tsx";
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { Tabs } from "../kit/tabs.tsx";
import { costOfTask, priceOfPress } from "../lib/flow-plan.ts";
import { EMPTY_FORM } from "../lib/form.ts";
import { indented } from "../lib/json-text.ts";
import { usd } from "../lib/money.ts";
import { buttonLabel, groupedButtons, nameOfTask, pressLabel, pressNeedsMask, pressNeedsModal } from "../lib/press.ts";
import { safeLinkUrl } from "../lib/safe.ts";
import { shotsOf, sourceOfTask } from "../lib/shot.ts";
import { promptsOf } from "../lib/text-result.ts";
import { between, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { useAskPrice } from "./ask-price.ts";
import { CopyButton } from "./copy.tsx";
import { CancelLimited, SendsIn } from "./limited.tsx";
import { ModalDialog } from "./modal-dialog.tsx";
import { Problem } from "./problem.tsx";
import { ResultImage, resultImageUrl } from "./result-image.tsx";
import { Status, toneOf } from "./status.tsx";
import { TaskLog } from "./task-log.tsx";
import { useEditAsNew } from "./use-edit-as-new.ts";

interface PanelProps {
  flow: Flow;
  task: Task;
  parent: Task | undefined;
  /** Retry of this task; unset if there is none. */
  retriedAs: Task | undefined;
  /** True if the flow is canceled. Then only the whole flow can be resumed. */
  isFlowCanceled: boolean;
  /** Reads the flow again after an action. */
  onChanged(): void;
  onSelect(id: string): void;
  /** Opens the picture of the task in the lightbox; unset if it has none. */
  onOpen?: (() => void) | undefined;
}

export function TaskPanel(props: PanelProps) {
  const { flow, task, parent, retriedAs, isFlowCanceled, onChanged, onSelect, onOpen } = props;
  const { action, status, text, finalPrompt } = task;
  const [tab, setTab] = useState("details");
  const bannedWord = task.failure?.vendor?.bannedWord;
  const prompt = task.originalPrompt ?? finalPrompt ?? flow.originalPrompt ?? flow.prompt;
  const isText = action === "DESCRIBE" || action === "SHORTEN";
  return (
    <div className="panel-content">
      <Media task={task} onOpen={onOpen} />
      <header className="panel-head">
        <h2>{nameOfTask(task)}</h2>
        <Status of={status} isPill />
      </header>
      {finalPrompt && !isText && (
        <p className="small" dir="auto">
          {finalPrompt}
        </p>
      )}
      {bannedWord && prompt && <MarkedPrompt prompt={prompt} word={bannedWord} />}
      {task.originalPrompt && !isText && (
        <p className="small faint">
          <Rich text={t.task.original} parts={{ prompt: <bdi>{task.originalPrompt}</bdi> }} />
        </p>
      )}
      {text && isText && <TextResult text={text} />}
      <Warnings task={task} />
      <Retries task={task} retriedAs={retriedAs} onSelect={onSelect} />
      <TaskActions
        flow={flow}
        task={task}
        parent={parent}
        mayRetry={!retriedAs && !isFlowCanceled}
        onChanged={onChanged}
        onSelect={onSelect}
      />
      <Tabs
        label={t.task.about}
        selected={tab}
        onSelect={setTab}
        tabs={[
          { id: "details", name: t.task.details },
          { id: "events", name: t.task.events },
          { id: "links", name: t.task.links },
          { id: "raw", name: t.task.raw },
        ]}
      >
        {tab === "details" && <Facts flow={flow} task={task} parent={parent} />}
        {tab === "events" && <TaskLog task={task} cost={costOfTask(task, flow.mode)} />}
        {tab === "links" && <Links task={task} />}
        {tab === "raw" && (
          <>
            <Raw task={task} />
            <RawResponse id={task.id} />
          </>
        )}
      </Tabs>
    </div>
  );
}

/** The prompt with the banned word marked. */
function MarkedPrompt({ prompt, word }: { prompt: string; word: string }) {
  const at = prompt.toLowerCase().indexOf(word.toLowerCase());
  if (at < 0) return null;
  const end = at + word.length;
  return (
    <p className="quote small" dir="auto">
      {prompt.slice(0, at)}
      <mark>{prompt.slice(at, end)}</mark>
      {prompt.slice(end)}
    </p>
  );
}

function Media({ task, onOpen }: { task: Task; onOpen: PanelProps["onOpen"] }) {
  const image = resultImageUrl(task);
  // The archived copy of a video is preferred to the vendor's link, which expires.
  const videos = shotsOf(sourceOfTask(task, null)).flatMap(({ video }) => video ?? []);
  if (videos.length > 0)
    return (
      <div className={videos.length > 1 ? "videos several" : "videos"}>
        {videos.map((url, i) => (
          <video
            key={url}
            src={url}
            controls
            loop
            muted
            autoPlay={!matchMedia("(prefers-reduced-motion: reduce)").matches}
            playsInline
            preload="metadata"
            poster={image}
            aria-label={t.task.video(i + 1)}
          />
        ))}
      </div>
    );
  if (!image) return null;
  return (
    <button type="button" className="panel-image" disabled={!onOpen} aria-label={t.task.openLarge} onClick={onOpen}>
      <ResultImage src={image} alt={t.task.result} lazy={false} />
    </button>
  );
}

/** The text of describe and shorten: each prompt with the ways to use it. */
function TextResult({ text }: { text: string }) {
  const { editAsNew } = useEditAsNew();
  const { intro, prompts } = promptsOf(text);
  return (
    <>
      {intro !== "" && (
        <p className="quote small" dir="auto">
          {intro}
        </p>
      )}
      <ol className="text-results">
        {prompts.map((prompt) => (
          <li key={prompt}>
            <p dir="auto">{prompt}</p>
            <div className="chips">
              <button type="button" className="chip" onClick={() => editAsNew({ ...EMPTY_FORM, prompt })}>
                <Icon name="sparkles" />
                {t.task.imagineThis}
              </button>
              <CopyButton text={prompt} />
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

function Links({ task }: { task: Task }) {
  const links = [
    ...(task.imageUrl ? [[t.task.vendorImage, task.imageUrl] as const] : []),
    ...task.images.map(({ url }, i) => [t.task.image(i + 1), url] as const),
    ...task.copies.map(({ url }, i) => [`${t.task.copy}${task.copies.length > 1 ? ` ${i + 1}` : ""}`, url] as const),
    ...task.videos.map(({ url }, i) => [t.task.video(i + 1), url] as const),
  ].filter(([, url], i, all) => all.findIndex(([, other]) => other === url) === i);
  if (links.length === 0) return <p className="faint small">{t.task.noLinks}</p>;
  return (
    <ul className="links small">
      {links.map(([name, address]) => {
        const href = safeLinkUrl(address);
        return (
          <li key={name + address}>
            {/* The vendor may send text that is not a safe link. It is shown as text. */}
            {href ? (
              <a href={href} target="_blank" rel="noreferrer noopener">
                {name} ↗
              </a>
            ) : (
              <code>{address}</code>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** Why the task waits for its vendor account, and how many tasks come first. */
function Waiting({ waits: { reason, ahead, atLeast } }: { waits: Waits }) {
  const place = ahead === 0 && !atLeast ? t.task.nextInTurn : t.task.ahead(ahead ?? 0, atLeast);
  return <p className="note">{t.task.waits(t.task.waitReasons[reason] ?? reason, ahead === null ? "" : place)}</p>;
}

function Warnings({ task }: { task: Task }) {
  const { failure, failReason, unclear, waits, orphans, late, copyFailures, modalIgnored } = task;
  return (
    <>
      {copyFailures.map(({ source, code, message }) => (
        <p key={source} className="problem small">
          {t.task.noCopy} <bdi>{message}</bdi> <code>{code}</code>
        </p>
      ))}
      {modalIgnored && <p className="note small">{t.task.modalIgnored}</p>}
      {waits && <Waiting waits={waits} />}
      {failure && (
        <div className="problem">
          <div>
            <strong dir="auto">{failReason ?? failure.message}</strong>
            {t.problem.failures[failure.code] ? (
              <p>{t.problem.failures[failure.code]}</p>
            ) : (
              failReason !== failure.message && <p>{failure.message}</p>
            )}
            <p className="faint">
              <code>{failure.code}</code>
              {failure.vendor?.bannedWord && (
                <>
                  {" "}
                  · {t.task.banned} <bdi>{failure.vendor.bannedWord}</bdi>
                </>
              )}
            </p>
            {failure.offered && failure.offered.length > 0 && (
              <p className="small">{t.task.buttons(failure.offered.map(pressLabel).join(", "))}</p>
            )}
          </div>
        </div>
      )}
      {unclear && <p className="note">{t.task.unclear}</p>}
      {orphans.map((orphan) => (
        <p className="note" key={orphan.attempt}>
          {t.task.orphan(orphan.attempt, usd(orphan.estimatedUsd))}
        </p>
      ))}
      {late && <p className="note">{t.task.late(toneOf(late.status)[1])}</p>}
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
          ↑ {t.task.isRetry}
        </button>
      )}
      {retriedAs && (
        <button type="button" className="link" onClick={() => onSelect(retriedAs.id)}>
          ↻ {t.task.retriedAs(toneOf(retriedAs.status)[1])}
        </button>
      )}
    </p>
  );
}

interface TaskActionsProps extends Pick<PanelProps, "flow" | "task" | "parent" | "onChanged" | "onSelect"> {
  mayRetry: boolean;
}

export function TaskActions({ flow, task, parent, mayRetry, onChanged, onSelect }: TaskActionsProps) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const { editFlow } = useEditAsNew();
  const { act, busy, off, error, clear } = useAction();
  const askPrice = useAskPrice();
  const [open, setOpen] = useState<{ button: Button } | "answer">();
  const { id, status, buttons, failure } = task;
  const isBanned = failure?.code === "banned_prompt";

  async function press(button: Button, modal?: { prompt?: string; maskBase64?: string }) {
    const priceUsd = priceOfPress(button.name, flow.mode);
    if (!(await askPrice({ name: buttonLabel(button), priceUsd }))) return false;
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
  async function retry() {
    const priceUsd = priceOfPress(task.press, flow.mode);
    if (!(await askPrice({ name: t.common.retry, priceUsd, isAtMost: true }))) return;
    await run("retry", async () => onSelect((await mjflow.tasks.retry(id)).id));
  }
  const pressed = (button: Button) =>
    flow.tasks.find(
      ({ parentId, press: name, status: how }) =>
        parentId === id && name !== null && canonicalPress(name) === button.name && how !== "FAILURE",
    );

  const isFailed = status === "FAILURE" || status === "EXPIRED" || status === "CANCEL";
  return (
    <div className="task-actions">
      {status === "MODAL" && (
        <button type="button" className="primary" onClick={() => setOpen("answer")}>
          {t.task.answerModal}
        </button>
      )}
      {isBanned && (
        <button type="button" className="primary" onClick={() => editFlow(flow)}>
          <Icon name="pencil" />
          {t.task.editAndTry}
        </button>
      )}
      {isFailed && !isBanned && mayRetry && can("POST", "/v1/tasks/{id}/retry") && (
        <button type="button" {...off} onClick={() => void retry()}>
          <Icon name="rotate-ccw" />
          <span className="label">{busy === "retry" ? <SendsIn otherwise={t.common.retry} /> : t.common.retry}</span>{" "}
          <span className="price">≤ {usd(priceOfPress(task.press, flow.mode))}</span>
        </button>
      )}
      {status === "SUCCESS" &&
        groupedButtons(buttons).map(([group, all]) => {
          const prices = new Set(all.map(({ name }) => priceOfPress(name, flow.mode)));
          const price = prices.size === 1 && all.length > 1 ? [...prices][0] : undefined;
          return (
            <fieldset key={group}>
              <legend>
                {t.press.groups[group]}{" "}
                {price !== undefined && <span className="price">{t.task.each(usd(price))}</span>}
              </legend>
              <div className="chips">
                {all.map((button) => {
                  const child = pressed(button);
                  return (
                    <button
                      key={button.customId}
                      type="button"
                      className="chip"
                      {...off}
                      {...(child && { "aria-pressed": true })}
                      title={
                        off.title ?? titleOf(button, child !== undefined, usd(priceOfPress(button.name, flow.mode)))
                      }
                      onClick={() => {
                        if (child) onSelect(child.id);
                        else if (pressNeedsModal(button.name)) setOpen({ button });
                        else void press(button);
                      }}
                    >
                      {child && <Icon name="check" size="tiny" />}
                      <span className="label">
                        {busy === button.customId ? <SendsIn otherwise="…" /> : buttonLabel(button)}
                      </span>
                      {price === undefined && !child && (
                        <span className="price">{usd(priceOfPress(button.name, flow.mode))}</span>
                      )}
                    </button>
                  );
                })}
              </div>
            </fieldset>
          );
        })}
      {busy && <CancelLimited />}
      <Problem error={error} onClose={clear} />
      {open && (
        <ModalDialog
          title={open === "answer" ? t.task.answerModal : buttonLabel(open.button)}
          image={resultImageUrl(open === "answer" ? parent : task)}
          wantsMask={pressNeedsMask(open === "answer" ? (task.press ?? null) : open.button.name)}
          prompt={(open === "answer" ? parent : task)?.finalPrompt ?? ""}
          priceUsd={priceOfPress(open === "answer" ? task.press : open.button.name, flow.mode)}
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

function titleOf(button: Button, isPressed: boolean, cost: string): string {
  const name = button.label || button.emoji;
  return isPressed ? t.task.goToTask(name) : t.task.pressFor(name, cost);
}

function Facts({ flow, task, parent }: Pick<PanelProps, "flow" | "task" | "parent">) {
  const { createdAt, submittedAt, endedAt, attempts, callbacks, duplicates, lookups, modals, seed } = task;
  const ms = (value: number | undefined) => (value === undefined ? undefined : duration(value));
  const facts: [string, string | number | null | undefined, string?][] = [
    [t.task.facts.followUp, ms(between(parent?.endedAt, submittedAt)), t.task.facts.followUpHelp],
    [t.task.facts.toSubmitted, ms(between(createdAt, submittedAt))],
    [t.task.facts.toEnd, ms(between(submittedAt, endedAt))],
    [t.task.facts.cost, usd(costOfTask(task, flow.mode))],
    [t.task.facts.seed, seed],
    [t.task.facts.attempts, attempts],
    [t.task.facts.callbacks, duplicates > 0 ? t.task.facts.duplicates(callbacks, duplicates) : callbacks],
    [t.task.facts.lookups, lookups || undefined],
    [t.task.facts.modals, modals || undefined],
    [t.task.facts.vendorTaskId, task.providerTaskId],
    [t.task.facts.id, task.id],
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
      {isOpen && <Code>{JSON.stringify(task, null, 2)}</Code>}
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
      <summary>{t.task.rawResponse}</summary>
      {error && <Problem error={toMjflowError(error)} />}
      {data === null && <p className="faint small">{t.task.noRaw}</p>}
      {data && <Code>{indented(data)}</Code>}
    </details>
  );
}
