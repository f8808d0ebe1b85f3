/** One flow: its tree with the planned steps, its timeline, and the selected task. */
import type { Flow, Task } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, useEffect, useMemo, useState } from "react";
import { useCommands } from "../commands.ts";
import { useAskPrice } from "../components/ask-price.ts";
import { CopyButton } from "../components/copy.tsx";
import { Problem } from "../components/problem.tsx";
import { PromptText } from "../components/prompt-text.tsx";
import { ResultImage, resultImageUrl } from "../components/result-image.tsx";
import { altOf, ShotImage } from "../components/shot-image.tsx";
import { ShotLightbox } from "../components/shot-lightbox.tsx";
import { Status, StatusIcon, toneOf } from "../components/status.tsx";
import { TaskPanel } from "../components/task-panel.tsx";
import { TemplateDialog } from "../components/template-dialog.tsx";
import { Timeline } from "../components/timeline.tsx";
import { TreeCanvas } from "../components/tree-canvas.tsx";
import { FailedList, TreeLegend } from "../components/tree-legend.tsx";
import { TreeView } from "../components/tree-view.tsx";
import { useEditAsNew } from "../components/use-edit-as-new.ts";
import { useConnection } from "../connection.ts";
import { replaceQuery, useHash, useMedia, useNow } from "../hooks.ts";
import { Code } from "../kit/code.tsx";
import { useConfirm } from "../kit/confirm.tsx";
import { useModal } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { Menu, MenuItem } from "../kit/menu.tsx";
import { Part } from "../kit/part.tsx";
import { Rich } from "../kit/rich.tsx";
import { Tabs } from "../kit/tabs.tsx";
import { useToasts } from "../kit/toast.tsx";
import { formOf } from "../lib/draft.ts";
import { costOf, type FlowNode, nodesOf, priceOfPress, priceOfResume, progressOf } from "../lib/flow-plan.ts";
import { toPlanInput } from "../lib/form.ts";
import { usd } from "../lib/money.ts";
import { groupsOf, NODE_GROUPS, nextIn, tasksIn } from "../lib/node-group.ts";
import { actionLabel, nameOfTask, pressIcon, pressLabel } from "../lib/press.ts";
import { hrefOf, type Query, withQuery } from "../lib/route.ts";
import { type Shot, shotsOf, sourceOfTask } from "../lib/shot.ts";
import { ago, between, clock, duration } from "../lib/time.ts";
import { pathsByTone } from "../lib/tone-path.ts";
import { foldedNodes, layout } from "../lib/tree.ts";
import { type LiveFlow, useLiveFlow } from "../live-flow.ts";
import { usePreference } from "../preference.ts";
import { useAction, useApiCapabilities, useSimulated } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

const ShareDialog = lazy(() => import("../components/share-dialog.tsx"));

interface FlowPageProps {
  route: { id: string; task: string | undefined; query: Query };
}

export default function FlowPage({ route: { id, task, query } }: FlowPageProps) {
  const live = useLiveFlow(id);
  const { flow, error } = live;
  if (!flow) {
    return (
      <section className="page">
        <h1>{t.pages.flow}</h1>
        {error ? (
          <Problem error={error} />
        ) : (
          <div className="skeleton flows-soon" role="status" aria-label={t.common.loading} />
        )}
      </section>
    );
  }
  const view = query["view"] ?? "tree";
  return <FlowContent flow={flow} live={live} chosen={task} view={view} pic={query["pic"]} show={query["show"]} />;
}

interface ContentProps {
  flow: Flow;
  live: LiveFlow;
  /** Task of the route. */
  chosen: string | undefined;
  view: string;
  /** Picture of the lightbox. */
  pic: string | undefined;
  /** Group of the legend that the tree shows; undefined: all. */
  show: string | undefined;
}

function FlowContent({ flow, live, chosen, view, pic, show }: ContentProps) {
  const nodes = useMemo(() => nodesOf(flow), [flow]);
  const byId = useMemo(() => new Map(nodes.map((node) => [node.id, node])), [nodes]);
  const isPhone = useMedia("(max-width: 720px)");
  // On a phone the details cover the page, so they open only when the user chooses a task.
  const [isSheetOpen, setSheetOpen] = useState(chosen !== undefined);
  const selected = chosen ?? flow.tasks[0]?.id;
  const node = selected === undefined ? undefined : byId.get(selected);
  const isOfNode = ({ taskId }: Shot) => taskId === node?.id;
  // Selecting a task adds no entry to the browser history.
  const select = (to: string) => {
    setSheetOpen(true);
    const query: Query = { ...(view !== "tree" && { view }), ...(show && { show }) };
    location.replace(hrefOf({ page: "flow", id: flow.id, task: to, query }));
  };
  const shots = useMemo(() => flow.tasks.flatMap((each) => shotsOf(sourceOfTask(each, flow.prompt))), [flow]);
  const groups = useMemo(() => groupsOf(nodes), [nodes]);
  const shown = NODE_GROUPS.find((group) => group === show);
  const isTree = !["timeline", "json", "images"].includes(view);
  useStepKeys(
    isTree && shown ? nodes.filter(({ id }) => groups.get(id) === shown).map(({ id }) => id) : [],
    node?.id,
    select,
  );
  const panel = node && (
    <>
      {isTree && shown === "failed" && (
        <FailedList
          flow={flow}
          tasks={tasksIn(nodes, groups, shown)}
          selected={node.id}
          onSelect={select}
          onChanged={live.again}
        />
      )}
      <NodePanel key={node.id} flow={flow} node={node} live={live} onSelect={select} hasImage={shots.some(isOfNode)} />
    </>
  );
  return (
    <section className="flow-page">
      <Head flow={flow} live={live} />
      <Problem error={live.error} />
      <div className="flow-body">
        <Tabs
          label={t.flow.views}
          selected={view}
          onSelect={(to) => replaceQuery({ view: to === "tree" ? "" : to })}
          tabs={[
            { id: "tree", name: <TabName icon="workflow" name={t.flow.tree} /> },
            { id: "timeline", name: <TabName icon="chart-column" name={t.flow.timeline} /> },
            { id: "images", name: <TabName icon="images" name={t.flow.images(shots.length)} /> },
            { id: "json", name: <TabName icon="braces" name="JSON" /> },
          ]}
        >
          {view === "timeline" && <Timeline nodes={nodes} mode={flow.mode} selected={node?.id} onSelect={select} />}
          {view === "json" && <FlowJson flow={flow} />}
          {view === "images" && <FlowImages shots={shots} />}
          {isTree && (
            <div className="canvas-frame">
              <TreeLegend groups={groups} chosen={shown} onChoose={(group) => replaceQuery({ show: group ?? "" })} />
              <Tree
                nodes={nodes}
                isPhone={isPhone}
                selected={node?.id}
                onSelect={select}
                mode={flow.mode}
                isDim={({ id }) => shown !== undefined && groups.get(id) !== shown}
              />
            </div>
          )}
        </Tabs>
        {panel && !isPhone && (
          <aside className="panel" aria-label={t.flow.task}>
            {panel}
          </aside>
        )}
        {panel && isPhone && isSheetOpen && (
          <Sheet node={node.id} onClose={() => setSheetOpen(false)}>
            {panel}
          </Sheet>
        )}
      </div>
      <Announcement tasks={flow.tasks} />
      {pic && <ShotLightbox shots={shots} current={pic} />}
    </section>
  );
}

/** The keys `j` and `k` select the next and the previous of these nodes. */
function useStepKeys(ids: readonly string[], selected: string | undefined, onSelect: (id: string) => void): void {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const { key, altKey, ctrlKey, metaKey, target } = event;
      if ((key !== "j" && key !== "k") || altKey || ctrlKey || metaKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]:not(.task-sheet)")) return;
      if ((target as HTMLElement).closest("input, textarea, select, [contenteditable]")) return;
      const next = nextIn(ids, selected, key === "j" ? 1 : -1);
      if (next === undefined) return;
      event.preventDefault();
      onSelect(next);
    }
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  });
}

function FlowImages({ shots }: { shots: readonly Shot[] }) {
  const rowHeight = Number(usePreference("rowHeight"));
  const hash = useHash();
  return (
    <div className="flow-images">
      {shots.length === 0 && <p className="empty">{t.flow.noImages}</p>}
      {shots.map((shot) => (
        <a
          key={shot.id}
          className="tile"
          href={withQuery(hash, { pic: shot.id })}
          data-shot={shot.id}
          title={shot.label}
          style={{ ["--ratio" as string]: shot.ratio, ["--row" as string]: `${rowHeight}px` }}
        >
          <ShotImage shot={shot} alt={altOf(shot)} />
        </a>
      ))}
    </div>
  );
}

function TabName({ icon, name }: { icon: string; name: string }) {
  return (
    <>
      <Icon name={icon} />
      {name}
    </>
  );
}

interface TreeProps {
  nodes: readonly FlowNode[];
  isPhone: boolean;
  selected: string | undefined;
  onSelect(id: string): void;
  mode: Flow["mode"];
  /** True for a node that the legend does not show. */
  isDim(node: FlowNode): boolean;
}

function Tree({ nodes, isPhone, selected, onSelect, mode, isDim }: TreeProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const { shown, hidden } = useMemo(() => foldedNodes(nodes, folded), [nodes, folded]);
  const tree = useMemo(() => layout(shown, { hasBlocks: !isPhone }), [shown, isPhone]);
  const fold = (id: string) =>
    setFolded((now) => (now.has(id) ? new Set([...now].filter((each) => each !== id)) : new Set([...now, id])));
  const tone = (node: FlowNode) => (isDim(node) ? "dim" : toneOfNode(node));
  const card = (node: FlowNode) => (
    <Card node={node} hidden={hidden.get(node.id) ?? []} mode={mode} isSmall={!isPhone} />
  );
  if (isPhone)
    return (
      <TreeView
        label={t.flow.lineage}
        layout={tree}
        selected={selected}
        onSelect={onSelect}
        toneOf={tone}
        isPlanned={isPlanned}
      >
        {card}
      </TreeView>
    );
  return (
    <TreeCanvas
      label={t.flow.lineage}
      layout={tree}
      selected={selected}
      onSelect={onSelect}
      toneOf={tone}
      isDim={isDim}
      isPlanned={isPlanned}
      nameOf={nameOf}
      captionOf={captionOf}
      imageOf={({ task }) => resultImageUrl(task)}
      hiddenBelow={(id) => hidden.get(id)?.length ?? 0}
      onFold={fold}
    >
      {card}
    </TreeCanvas>
  );
}

const isPlanned = ({ step }: FlowNode) => step !== undefined;
const toneOfNode = ({ task, step }: FlowNode) => toneOf(task?.status ?? step!.status)[0];

interface NodePanelProps {
  flow: Flow;
  node: FlowNode;
  live: LiveFlow;
  onSelect(id: string): void;
  hasImage: boolean;
}

function NodePanel({ flow, node, live, onSelect, hasImage }: NodePanelProps) {
  const { task, step } = node;
  if (!task)
    return (
      <div className="panel-content">
        <header className="panel-head">
          <h2>{pressLabel(step.press)}</h2>
          <Status of={step.status} isPill />
        </header>
        <p className="faint">
          {step.status === "planned" ? t.flow.willStart(usd(priceOfPress(step.press, flow.mode))) : t.flow.willNotStart}
        </p>
        {step.prompt && (
          <p className="quote small" dir="auto">
            {step.prompt}
          </p>
        )}
      </div>
    );
  const parent = flow.tasks.find(({ id }) => id === task.parentId);
  return (
    <TaskPanel
      flow={flow}
      task={task}
      parent={parent}
      retriedAs={flow.tasks.find(({ retryOf }) => retryOf === task.id)}
      isFlowCanceled={flow.canceledAt !== null}
      onChanged={live.again}
      onSelect={onSelect}
      onOpen={hasImage ? () => replaceQuery({ pic: `${task.id}.1` }) : undefined}
    />
  );
}

/** Distance between the row of a task and its sheet, px. */
const ROW_GAP = 10;

/** The details of a task on a phone: a dialog at the lower edge, with the task's row still visible above it. */
function Sheet({ node, onClose, children }: { node: string; onClose: () => void; children: ReactNode }) {
  const modal = useModal(onClose);
  useEffect(() => {
    // The row that was tapped stays visible above the sheet. The page is longer while the sheet is open (`:has`).
    const row = document.querySelector(`[data-node="${CSS.escape(node)}"]`)?.getBoundingClientRect();
    const hidden = (row?.bottom ?? 0) + ROW_GAP - (innerHeight - modal.ref.current!.offsetHeight);
    if (hidden > 0) scrollBy(0, hidden);
  }, [modal.ref, node]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too; the click is one on the backdrop
    <dialog
      {...modal}
      className="panel task-sheet"
      aria-label={t.flow.task}
      onClick={({ target, currentTarget }) => target === currentTarget && onClose()}
    >
      <div className="task-sheet-content">
        <button type="button" className="quiet icon-button" aria-label={t.common.close} onClick={onClose}>
          <Icon name="chevron-down" />
        </button>
        {children}
      </div>
    </dialog>
  );
}

function Head({ flow, live }: { flow: Flow; live: LiveFlow }) {
  const now = useNow(1_000);
  const { id, status, prompt, action, provider, account, mode, state, createdAt, endedAt, canceledAt } = flow;
  const took = between(createdAt, status === "running" ? null : endedAt) ?? now - Date.parse(createdAt);
  const { done, failed, total } = progressOf(flow);
  const { soFar, atMost } = costOf(flow);
  const isSimulated = useSimulated()(provider, account);
  return (
    <header className="flow-head">
      <p className="crumb small">
        <a href={hrefOf({ page: "flows" })}>{t.pages.flows}</a>
        <Icon name="chevron-right" size="tiny" />
        <code>{id}</code> <CopyButton text={id} label={t.flow.copyId} icon="copy" />
      </p>
      <div className="head">
        <h1 className="prompt-title" dir="auto" title={flow.originalPrompt ?? prompt ?? undefined}>
          {prompt === null ? (
            <span className="alone">{actionLabel(action)}</span>
          ) : (
            <PromptText prompt={flow.originalPrompt ?? prompt} />
          )}
        </h1>
        <FlowActions flow={flow} live={live} />
      </div>
      {flow.originalPrompt && (
        <p className="small faint">
          <Rich text={t.flow.translated} parts={{ prompt: <bdi lang="en">{prompt}</bdi> }} />
        </p>
      )}
      <p className="facts">
        <Status of={status} isPill />
        <span>
          <Rich
            text={t.flow.done}
            parts={{ count: <strong className="number">{t.flow.doneOf(done, total)}</strong> }}
          />
          {failed > 0 && ` · ${t.flow.failed(failed)}`}
        </span>
        {status === "running" && <progress max={total} value={done} aria-label={t.flow.progress} />}
        <span className="number" title={createdAt}>
          {status === "running" ? duration(took) : t.flow.agoTook(ago(createdAt, now), duration(took))}
        </span>
        <span className="number" title={t.flow.estimated}>
          <strong>{usd(soFar)}</strong>
          {atMost > soFar + 1e-9 && t.flow.ofAtMost(usd(atMost))}
        </span>
        <span>
          <bdi>{provider}</bdi>
          {isSimulated && ` · ${t.common.simulated}`}
          {mode && ` · ${t.speeds[mode]}`}
        </span>
        <LiveBadge isLive={live.isLive} />
        {canceledAt && (
          <span>
            <Rich text={t.flow.canceled} parts={{ age: <time dateTime={canceledAt}>{ago(canceledAt, now)}</time> }} />
            {status === "running" && ` · ${t.flow.canceledRest}`}
          </span>
        )}
        <Restart of={flow.restartOf} words={t.flow.replaces} />
        <Restart of={flow.restartedAs} words={t.flow.continuedAs} />
        {state !== null && (
          <span>
            <Rich text={t.flow.state} parts={{ state: <bdi className="mono">{state}</bdi> }} />
          </span>
        )}
      </p>
    </header>
  );
}

/** Says "Live" only while the server responds. */
function LiveBadge({ isLive }: { isLive: boolean }) {
  const { lostSince } = useConnection();
  if (!isLive) return null;
  if (lostSince === undefined)
    return (
      <span className="live">
        <i className="dot" /> {t.flow.live}
      </span>
    );
  return (
    <span className="live lost">
      <i className="dot" /> {t.flow.notConnected(clock(new Date(lostSince).toISOString()))}
    </span>
  );
}

function FlowActions({ flow, live }: { flow: Flow; live: LiveFlow }) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { can } = useApiCapabilities();
  const { act, off, error, clear } = useAction();
  const confirm = useConfirm();
  const askPrice = useAskPrice();
  const { show } = useToasts();
  const { editFlow } = useEditAsNew();
  const [isSaving, setSaving] = useState(false);
  const [isSharing, setSharing] = useState(false);
  const { id, status, canceledAt } = flow;
  const { soFar, atMost } = costOf(flow);
  const retried = new Set(flow.tasks.map(({ retryOf }) => retryOf));
  const failed = flow.tasks.filter(
    ({ id: taskId, status: how, endedAt }) => endedAt !== null && how !== "SUCCESS" && !retried.has(taskId),
  );
  const canResume = canceledAt !== null || (status !== "running" && failed.length > 0);
  const run = (name: string, work: () => Promise<unknown>) => act(name, work).then((isDone) => isDone && live.again());

  async function cancel() {
    const { cancelTitle: title, cancelBody, cancel: action } = t.flow;
    const body = cancelBody(usd(atMost - soFar), usd(soFar));
    if (await confirm({ title, body, action, isDangerous: true })) void run("cancel", () => mjflow.flows.cancel(id));
  }
  const againPrice = usd(wholePrice(flow));
  async function runAgain() {
    const { runAgainTitle: title, runAgainBody } = t.flow;
    const [body, action] = [runAgainBody(againPrice), t.flow.runAgainFor(againPrice)];
    if (!(await confirm({ title, body, action }))) return;
    await act("rerun", async () => {
      const next = await mjflow.flows.rerun(id);
      void queries.invalidateQueries({ queryKey: ["flows"] });
      location.hash = hrefOf({ page: "flow", id: next.id });
    });
  }
  async function remove() {
    const { deleteTitle: title, deleteBody: body, delete: action } = t.flow;
    if (!(await confirm({ title, body, action, isDangerous: true }))) return;
    await act("delete", async () => {
      await mjflow.flows.delete(id);
      queries.removeQueries({ queryKey: ["flows"] });
      show(t.flow.deleted);
      location.hash = hrefOf({ page: "flows" });
    });
  }

  const isOff = off.disabled;
  const mayResume = canResume && can("POST", "/v1/flows/{id}/resume");
  const mayRunAgain = can("POST", "/v1/flows/{id}/rerun");
  const mayCancel = status === "running" && !canceledAt && can("POST", "/v1/flows/{id}/cancel");
  const mayDelete = status !== "running" && can("DELETE", "/v1/flows/{id}");
  const mayShare = can("POST", "/v1/flows/{id}/shares");
  const template = can("PUT", "/v1/templates/{name}") ? toPlanInput(formOf(flow).then) : [];
  const resumeName = canceledAt ? t.common.resume : t.flow.retryFailed;
  const resumePrice = priceOfResume(flow);
  async function resume() {
    const body = t.flow.resumeBody(usd(resumePrice));
    if (!(await askPrice({ name: resumeName, priceUsd: resumePrice, isAtMost: true, body }))) return;
    void run("resume", () => mjflow.flows.resume(id));
  }
  const copyPrompt = () => void navigator.clipboard?.writeText(flow.prompt ?? "");
  const copyLink = () => void navigator.clipboard?.writeText(location.href);
  const command = (isOffered: boolean, name: string, icon: string, act_: () => unknown) =>
    isOffered ? [{ id: `flow ${icon} ${name}`, name, icon, run: () => void act_() }] : [];
  useCommands([
    ...command(true, t.flow.editAsNew, "pencil", () => editFlow(flow)),
    ...command(mayRunAgain && !isOff, t.flow.runAgainFor(againPrice), "rotate-ccw", runAgain),
    ...command(mayCancel && !isOff, t.flow.cancel, "circle-stop", cancel),
    ...command(
      mayResume && !isOff,
      resumePrice > 0 ? `${resumeName} · ≤ ${usd(resumePrice)}` : resumeName,
      "play",
      resume,
    ),
    ...command(template.length > 0, t.flow.saveAsTemplate, "bookmark", () => setSaving(true)),
    ...command(flow.prompt !== null, t.flow.copyPrompt, "copy", copyPrompt),
    ...command(mayShare, t.share.share, "link", () => setSharing(true)),
    ...command(true, t.flow.copyLink, "link", copyLink),
    ...command(mayDelete && !isOff, t.flow.delete, "trash-2", remove),
  ]);
  return (
    <>
      <div className="actions">
        {mayResume && (
          <button type="button" disabled={isOff} title={off.title ?? t.flow.chargedLikeNew} onClick={resume}>
            <Icon name={canceledAt ? "play" : "rotate-ccw"} />
            <span className="label">{resumeName}</span>{" "}
            {resumePrice > 0 && <span className="price">≤ {usd(resumePrice)}</span>}
          </button>
        )}
        {mayShare && (
          <button type="button" className="edit share" onClick={() => setSharing(true)}>
            <Icon name="link" />
            <span className="label">{t.share.share}</span>
          </button>
        )}
        <button type="button" className="edit" onClick={() => editFlow(flow)}>
          <Icon name="pencil" />
          <span className="label">{t.flow.editAsNew}</span>
        </button>
        {mayRunAgain && (
          <button type="button" {...off} onClick={runAgain}>
            <Icon name="rotate-ccw" />
            <span className="label">{t.flow.runAgain}</span> <span className="price">≤ {againPrice}</span>
          </button>
        )}
        {mayCancel && (
          <button type="button" className="danger" {...off} onClick={cancel}>
            <Icon name="circle-stop" />
            <span className="label">{t.flow.cancel}</span>
          </button>
        )}
        <Menu label={t.flow.moreActions}>
          <MenuItem icon="copy" onSelect={copyPrompt}>
            {t.flow.copyPrompt}
          </MenuItem>
          <MenuItem icon="link" onSelect={copyLink}>
            {t.flow.copyLink}
          </MenuItem>
          {template.length > 0 && (
            <MenuItem icon="bookmark" onSelect={() => setSaving(true)}>
              {t.flow.saveAsTemplate}
            </MenuItem>
          )}
          {mayDelete && (
            <MenuItem icon="trash-2" isDangerous {...off} onSelect={remove}>
              {t.flow.delete}
            </MenuItem>
          )}
        </Menu>
      </div>
      <Problem error={error} onClose={clear} />
      {isSharing && (
        <Part>
          <ShareDialog flow={flow} onClose={() => setSharing(false)} />
        </Part>
      )}
      {isSaving && <TemplateDialog then={template} onClose={() => setSaving(false)} />}
    </>
  );
}

/** Price of the root and of every step of the plan, USD; 0 while the flow has no task. */
function wholePrice(flow: Flow): number {
  const [root] = flow.tasks;
  if (!root) return 0;
  const fresh: Task = { ...root, status: "PENDING", submittedAt: null, endedAt: null, orphans: [] };
  const plan = (flow.plan ?? []).map((step) => ({ ...step, status: "planned" as const }));
  return costOf({ tasks: [fresh], plan, mode: flow.mode }).atMost;
}

/** Link to the flow with the same plan at another vendor. */
function Restart({ of, words }: { of: string | null; words: string }) {
  if (!of) return null;
  return (
    <span>
      <Rich
        text={words}
        parts={{
          flow: (
            <a className="mono" href={hrefOf({ page: "flow", id: of })}>
              {of}
            </a>
          ),
        }}
      />
    </span>
  );
}

interface CardProps {
  node: FlowNode;
  hidden: readonly FlowNode[];
  mode: Flow["mode"];
  /** True: few elements, for a canvas with many cards. The name of the card says the status. */
  isSmall: boolean;
}

function Card({ node, hidden, mode, isSmall }: CardProps) {
  const { task, step } = node;
  if (!task)
    return (
      <span className="ghost-words">
        <Icon name={pressIcon(step.press)} />
        <span>
          <span className="press">{pressLabel(step.press)}</span>
          <span className="small">
            {step.status === "planned" ? t.flow.plannedFor(usd(priceOfPress(step.press, mode))) : t.status.skipped}
          </span>
        </span>
      </span>
    );
  const { status, progress, retryOf, endedAt, createdAt } = task;
  const took = between(createdAt, endedAt);
  const state = status === "IN_PROGRESS" ? `${progress} %` : took === undefined ? "" : duration(took);
  return (
    <>
      <span className="node-image">
        <CardImage task={task} />
        {endedAt === null && <progress max={100} value={progress} aria-hidden="true" />}
      </span>
      <span className="node-words">
        <span className="press">
          {nameOfTask(task)}
          {retryOf && <span className="faint small"> {t.flow.retryMark}</span>}
        </span>
        {isSmall ? (
          <>
            {state}
            <StatusIcon of={status} />
            <span className="unseen">{toneOf(status)[1]}</span>
          </>
        ) : (
          <span className="node-state">
            {state}
            <Status of={status} />
          </span>
        )}
      </span>
      {hidden.length > 0 && <Mosaic nodes={hidden} />}
    </>
  );
}

/** Sizes in px: a square, the distance of two, and the squares of a row. */
const SQUARE = { size: 7, step: 9, row: 14 };

/** One square for each hidden task, as one path for each color: a folded branch can have many tasks. */
function Mosaic({ nodes }: { nodes: readonly FlowNode[] }) {
  const { size, step, row } = SQUARE;
  const squares = nodes.map((node, i) => {
    return { tone: toneOfNode(node), x: (i % row) * step, y: Math.floor(i / row) * step, width: size, height: size };
  });
  return (
    <svg className="mosaic" width={row * step} height={Math.ceil(nodes.length / row) * step} aria-hidden="true">
      {pathsByTone(squares).map(([tone, d]) => (
        <path key={tone} className={tone} d={d} />
      ))}
    </svg>
  );
}

/** Shows the image so far. If there is none, it shows the failure code, or else the progress or status. */
function CardImage({ task }: { task: Task }) {
  const { status, progress, failure } = task;
  const image = resultImageUrl(task);
  if (image) return <ResultImage src={image} alt="" lazy={false} />;
  if (failure)
    return <span className="image why">{t.problem.failures[failure.code] ?? failure.code.replaceAll("_", " ")}</span>;
  if (status === "SUCCESS") return <span className="image gone">{t.flow.text}</span>;
  return <span className="image soon">{status === "IN_PROGRESS" ? `${progress}%` : toneOf(status)[1]}</span>;
}

function nameOf({ task, step }: FlowNode): string {
  if (step) return `${pressLabel(step.press)}, ${toneOf(step.status)[1]}`;
  const { status, progress } = task;
  return `${nameOfTask(task)}, ${toneOf(status)[1]}${status === "IN_PROGRESS" ? ` ${progress}%` : ""}`;
}

function captionOf({ task, step }: FlowNode): string {
  return step ? pressLabel(step.press) : nameOfTask(task);
}

function FlowJson({ flow }: { flow: Flow }) {
  const text = JSON.stringify(flow, null, 2);
  return (
    <div className="flow-json">
      <CopyButton text={text} />
      <Code>{text}</Code>
    </div>
  );
}

/** Announces the task that ended last to screen readers. It does not announce each percent of progress. */
function Announcement({ tasks }: { tasks: readonly Task[] }) {
  const last = tasks
    .filter(({ endedAt, status }) => endedAt !== null || status === "MODAL")
    .toSorted((a, b) => ((a.endedAt ?? "~") < (b.endedAt ?? "~") ? 1 : -1))[0];
  return (
    <p className="unseen" aria-live="polite">
      {last && nameOf({ id: last.id, parentId: last.parentId, task: last })}
    </p>
  );
}
