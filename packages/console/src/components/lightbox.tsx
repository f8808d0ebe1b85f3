/** One picture, as large as the screen: with the ones around it, zoom, compare, its data and what can be done with it. */
import type { Flow, Task } from "@mjflow/client";
import { useQuery } from "@tanstack/react-query";
import { type CSSProperties, type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { download, savableUrl } from "../download.ts";
import { useModal } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { useToasts } from "../kit/toast.tsx";
import { EMPTY_FORM } from "../lib/form.ts";
import { nameOfTask } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import type { Shot } from "../lib/shot.ts";
import { clock } from "../lib/time.ts";
import { type View, zoomed } from "../lib/viewport.ts";
import { announceChange } from "../live-flow.ts";
import { useApiCapabilities, useSimulated } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { CopyButton } from "./copy.tsx";
import { LightboxSteps } from "./lightbox-steps.tsx";
import { PromptText } from "./prompt-text.tsx";
import { altOf, ShotImage } from "./shot-image.tsx";
import { TaskActions } from "./task-panel.tsx";
import { useEditAsNew } from "./use-edit-as-new.ts";

/** Pictures in the filmstrip before and after the shown one. */
const AROUND = 7;
const KEYS = [
  ["z", "zoom"],
  ["c", "compare"],
  ["d", "download"],
  ["u", "usePrompt"],
  ["i", "details"],
] as const;
const ZOOM_STEP = 1.5;
const MAX_ZOOM = 8;

export interface LightboxProps {
  shots: readonly Shot[];
  /** Id of the shown picture. It must be one of `shots`. */
  current: string;
  onShow(id: string): void;
  onClose(): void;
}

export function Lightbox({ shots, current, onShow, onClose }: LightboxProps) {
  const modal = useModal(onClose);
  const index = shots.findIndex(({ id }) => id === current);
  const shot = shots[index]!;
  const { show: say } = useToasts();
  const { editAsNew } = useEditAsNew();
  const [other, setOther] = useState<string>();
  const [hasInfo, setHasInfo] = useState(() => matchMedia("(min-width: 900px)").matches);
  const compared = other === undefined ? undefined : shots.find(({ id }) => id === other);
  const zoom = useZoom(current);

  const step = (by: number) => {
    const next = shots[index + by];
    if (next) onShow(next.id);
  };
  function compare() {
    setOther(compared ? undefined : (shots[index + 1] ?? shots[index - 1])?.id);
    // The divider has the focus and goes away. The dialog keeps the keys.
    if (compared) modal.ref.current?.focus();
  }
  const save = () => void download(shot).catch((error: Error) => say(error.message));
  const reusePrompt = () => editAsNew({ ...EMPTY_FORM, prompt: shot.prompt ?? "" });

  function onKeyDown(event: KeyboardEvent) {
    const { target, key } = event;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (target instanceof HTMLTextAreaElement) return;
    // The arrow keys move the divider. All other keys act on the lightbox.
    if (target instanceof HTMLInputElement && (target.type !== "range" || key.startsWith("Arrow"))) return;
    const acts: Record<string, () => void> = {
      ["ArrowLeft"]: () => step(-1),
      ["ArrowRight"]: () => step(1),
      z: zoom.toggle,
      c: compare,
      d: save,
      i: () => setHasInfo((now) => !now),
      u: reusePrompt,
      "+": () => zoom.by(ZOOM_STEP),
      "-": () => zoom.by(1 / ZOOM_STEP),
    };
    if (!Object.hasOwn(acts, key)) return;
    event.preventDefault();
    acts[key]!();
  }

  return (
    <dialog
      {...modal}
      tabIndex={-1}
      className={hasInfo ? "lightbox" : "lightbox wide"}
      aria-label={altOf(shot)}
      onKeyDown={onKeyDown}
    >
      <Ambient shot={shot} />
      <div className="lightbox-bar">
        <Tool icon="x" name={t.lightbox.close} keyName="Esc" onClick={onClose} />
        <span className="number" aria-live="polite">
          {shot.of > 1 ? t.lightbox.inResult(shot.number, shot.of) : t.lightbox.of(index + 1, shots.length)}
        </span>
        <span className="lightbox-tools">
          <Tool icon="minus" name={t.lightbox.zoomOut} keyName="-" onClick={() => zoom.by(1 / ZOOM_STEP)} />
          <button type="button" className="number" title={`${t.lightbox.zoom} (z)`} onClick={zoom.toggle}>
            {zoom.view.scale === 1 ? t.lightbox.fit : `${Math.round(zoom.view.scale * 100)} %`}
          </button>
          <Tool icon="plus" name={t.lightbox.zoomIn} keyName="+" onClick={() => zoom.by(ZOOM_STEP)} />
          {shots.length > 1 && !shot.video && (
            <Tool icon="columns-2" name={t.lightbox.compare} keyName="c" isOn={!!compared} onClick={compare} />
          )}
          <Tool
            icon={savableUrl(shot) ? "download" : "arrow-up-right"}
            name={savableUrl(shot) ? t.lightbox.download : t.lightbox.openOriginal}
            keyName="d"
            onClick={save}
          />
          <Tool
            icon="panel-right"
            name={t.lightbox.details}
            keyName="i"
            isOn={hasInfo}
            onClick={() => setHasInfo(!hasInfo)}
          />
        </span>
      </div>
      <div className="lightbox-stage" {...zoom.handlers}>
        <Stage shot={shot} compared={compared} view={zoom.view} />
        <LightboxSteps index={index} count={shots.length} onStep={step} />
      </div>
      <Filmstrip
        shots={shots}
        index={index}
        other={compared?.id}
        onPick={(id, isOther) => (isOther || compared ? setOther(id) : onShow(id))}
      />
      {hasInfo && <Info shot={shot} onUsePrompt={reusePrompt} onSave={save} />}
      <Preload shots={[shots[index + 1], shots[index - 1]]} />
    </dialog>
  );
}

function Tool(props: { icon: string; name: string; keyName: string; isOn?: boolean; onClick(): void }) {
  const { icon, name, keyName, isOn, onClick } = props;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={name}
      title={`${name} (${keyName})`}
      {...(isOn !== undefined && { "aria-pressed": isOn })}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

function Stage({ shot, compared, view }: { shot: Shot; compared: Shot | undefined; view: View }) {
  const [split, setSplit] = useState(50);
  if (shot.video)
    return (
      <div className="lightbox-picture" style={{ aspectRatio: shot.ratio }}>
        <video key={shot.id} src={shot.video} poster={shot.sources[0]} controls loop muted playsInline autoPlay />
      </div>
    );
  const ratioOf = ({ ratio }: Shot) => ({ ["--ratio" as string]: ratio }) as CSSProperties;
  const transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  return (
    <div className="lightbox-picture">
      <div className="lightbox-layer" style={{ transform, ...ratioOf(shot) }}>
        <ShotImage key={shot.id} shot={shot} alt={altOf(shot)} lazy={false} />
      </div>
      {compared && (
        <>
          <div className="lightbox-cut" style={{ clipPath: `inset(0 0 0 ${split}%)` }}>
            <div className="lightbox-layer" style={{ transform, ...ratioOf(compared) }}>
              <ShotImage key={compared.id} shot={compared} alt={altOf(compared)} lazy={false} />
            </div>
          </div>
          <span className="lightbox-split" style={{ left: `${split}%` }} />
          <span className="lightbox-name">{shot.label}</span>
          <span className="lightbox-name other">{compared.label}</span>
          <input
            type="range"
            // biome-ignore lint/a11y/noAutofocus: the user has just asked for the comparison, and the arrow keys move its divider
            autoFocus
            aria-label={t.lightbox.divider}
            min={0}
            max={100}
            value={split}
            onPointerDown={(event) => event.stopPropagation()}
            onChange={(event) => setSplit(event.target.valueAsNumber)}
          />
        </>
      )}
    </div>
  );
}

function Filmstrip(props: {
  shots: readonly Shot[];
  index: number;
  other: string | undefined;
  onPick(id: string, isOther: boolean): void;
}) {
  const { shots, index, other, onPick } = props;
  const strip = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another image is shown, so another one must be in view
  useEffect(() => {
    strip.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [shots[index]!.id]);
  if (shots.length < 2) return null;
  return (
    <div ref={strip} className="filmstrip">
      {shots.slice(Math.max(0, index - AROUND), index + AROUND + 1).map((shot) => (
        <button
          key={shot.id}
          type="button"
          aria-label={altOf(shot)}
          aria-current={shot.id === shots[index]!.id ? "true" : undefined}
          className={shot.id === other ? "other" : undefined}
          title={t.lightbox.altClick}
          onClick={(event) => onPick(shot.id, event.altKey)}
        >
          <ShotImage shot={shot} alt="" />
        </button>
      ))}
    </div>
  );
}

function Info({ shot, onUsePrompt, onSave }: { shot: Shot; onUsePrompt(): void; onSave(): void }) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const { show } = useToasts();
  const { data: flow, refetch } = useQuery({
    queryKey: ["flow", shot.flowId],
    queryFn: () => mjflow.flows.get(shot.flowId),
  });
  const task = flow?.tasks.find(({ id }) => id === shot.taskId);
  const parent = flow?.tasks.find(({ id }) => id === task?.parentId);
  const isSimulated = useSimulated()(shot.provider, shot.account);
  const original = task?.originalPrompt ?? flow?.originalPrompt;
  const link = `${location.origin}${location.pathname}${hrefOf({ page: "gallery", query: { pic: shot.id } })}`;
  const rows: [string, string | null | undefined][] = [
    [t.lightbox.created, shot.endedAt && `${shot.endedAt.slice(0, 10)} ${clock(shot.endedAt)}`],
    [t.lightbox.seed, task?.seed],
    [t.lightbox.provider, isSimulated ? `${shot.provider}, ${t.common.simulated}` : shot.provider],
  ];
  return (
    <aside className="lightbox-info" aria-label={t.lightbox.details}>
      {flow && task && <Lineage flow={flow} task={task} />}
      {shot.prompt && (
        <p className="lightbox-prompt" dir="auto">
          <PromptText prompt={shot.prompt} />
        </p>
      )}
      {original && original !== shot.prompt && (
        <p className="small faint lightbox-original">
          <Rich text={t.task.original} parts={{ prompt: <bdi>{original}</bdi> }} />
        </p>
      )}
      <div className="actions">
        <button type="button" className="primary" onClick={onSave}>
          <Icon name={savableUrl(shot) ? "download" : "arrow-up-right"} />
          {savableUrl(shot) ? t.lightbox.download : t.lightbox.openShort}
        </button>
        {shot.prompt && (
          <button type="button" onClick={onUsePrompt}>
            <Icon name="sparkles" />
            {t.lightbox.usePrompt}
          </button>
        )}
        {can("GET", "/v1/pictures") && <CopyButton text={link} label={t.lightbox.copyLink} icon="link" />}
      </div>
      {flow && task && (
        <TaskActions
          flow={flow}
          task={task}
          parent={parent}
          mayRetry={false}
          onChanged={() => {
            void refetch();
            announceChange(shot.flowId);
          }}
          onSelect={(id) =>
            show(t.lightbox.taskInFlow, {
              name: t.lightbox.goToFlow,
              run: () => {
                location.hash = hrefOf({ page: "flow", id: shot.flowId, task: id });
              },
            })
          }
        />
      )}
      <dl className="facts-list">
        {rows.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
        {!task && (
          <div>
            <dt>{t.pages.flow}</dt>
            <dd>
              <a href={hrefOf({ page: "flow", id: shot.flowId, task: shot.taskId })}>{shot.label}</a>
            </dd>
          </div>
        )}
      </dl>
      <p className="lightbox-keys faint small">
        <span>
          <kbd>←</kbd> <kbd>→</kbd> {t.lightbox.keys.browse}
        </span>
        {KEYS.map(([key, name]) => (
          <span key={key}>
            <kbd>{key}</kbd> {t.lightbox.keys[name]}
          </span>
        ))}
      </p>
    </aside>
  );
}

/** The tasks that led to this one, from the root, as links. */
function Lineage({ flow, task }: { flow: Flow; task: Task }) {
  const byId = new Map(flow.tasks.map((each) => [each.id, each]));
  const line: Task[] = [];
  for (let at: Task | undefined = task; at && line.length < 20; at = at.parentId ? byId.get(at.parentId) : undefined)
    line.unshift(at);
  return (
    <p className="lineage small">
      {line.map((each, i) => (
        <span key={each.id}>
          {i > 0 && <Icon name="chevron-right" size="tiny" />}
          <a href={hrefOf({ page: "flow", id: flow.id, task: each.id })}>
            <span className="press">{nameOfTask(each)}</span>
          </a>
        </span>
      ))}
    </p>
  );
}

/** The colors of the picture as light around it. */
function Ambient({ shot }: { shot: Shot }) {
  return (
    <span className="ambient" aria-hidden="true">
      <ShotImage key={shot.id} shot={shot} alt="" lazy={false} />
    </span>
  );
}

/** Loads the neighbors, so that the next picture is there at once. */
function Preload({ shots }: { shots: readonly (Shot | undefined)[] }) {
  const urls = shots.map((shot) => shot?.sources[0]).join(" ");
  useEffect(() => {
    for (const url of urls.split(" ").filter(Boolean))
      Object.assign(new Image(), { referrerPolicy: "no-referrer", src: url });
  }, [urls]);
  return null;
}

const FIT: View = { x: 0, y: 0, scale: 1 };

/** Zoom and pan of the stage. The scale 1 is the whole picture. Two compared pictures share it. */
function useZoom(current: string) {
  const [{ id, view }, set] = useState({ id: current, view: FIT });
  const now = id === current ? view : FIT;
  const change = (to: (view: View) => View) =>
    set((before) => {
      const next = to(before.id === current ? before.view : FIT);
      // Smaller than the whole picture makes no sense, and the whole picture is not moved.
      return { id: current, view: next.scale <= 1.01 ? FIT : next };
    });
  const from = useRef<{ x: number; y: number }>(undefined);
  const center = { x: 0, y: 0 };
  return {
    view: now,
    by: (factor: number) => change((before) => zoomed(before, factor, center, MAX_ZOOM)),
    toggle: () => change((before) => (before.scale === 1 ? zoomed(before, 2.5, center, MAX_ZOOM) : FIT)),
    handlers: {
      onWheel: ({ deltaY, clientX, clientY, currentTarget }: React.WheelEvent<HTMLElement>) => {
        const { left, top, width, height } = currentTarget.getBoundingClientRect();
        const at = { x: clientX - left - width / 2, y: clientY - top - height / 2 };
        change((before) => zoomed(before, Math.exp(-deltaY * 0.002), at, MAX_ZOOM));
      },
      onDoubleClick: () => change((before) => (before.scale === 1 ? zoomed(before, 2.5, center, MAX_ZOOM) : FIT)),
      onPointerDown: (event: PointerEvent<HTMLElement>) => {
        from.current = { x: event.clientX, y: event.clientY };
      },
      onPointerMove: (event: PointerEvent<HTMLElement>) => {
        const start = from.current;
        if (!start || event.buttons === 0) return;
        const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
        from.current = { x: event.clientX, y: event.clientY };
        change((before) => (before.scale === 1 ? before : { ...before, x: before.x + dx, y: before.y + dy }));
      },
      onPointerUp: () => {
        from.current = undefined;
      },
      onPointerCancel: () => {
        from.current = undefined;
      },
    },
  };
}
