/**
 * A lineage on a canvas: it can be moved, zoomed and fitted, and only the nodes near the visible part exist. The more nodes are
 * visible, the less each of them shows, so that the canvas never has more than 400 elements.
 */
import {
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Icon } from "../kit/icon.tsx";
import { pathsByTone } from "../lib/tone-path.ts";
import { type Layout, type Node, type PositionedNode, stepFrom } from "../lib/tree.ts";
import {
  type Box,
  detailOf,
  firstView,
  fitted,
  isNear,
  isSeen,
  revealing,
  type View,
  zoomed,
} from "../lib/viewport.ts";
import { t } from "../text/page-text.ts";

/** Sizes in px. `anchor` is the distance from the top of a card to the line that connects it. */
const CELL = { width: 196, height: 146, card: 150, cardHeight: 130, anchor: 50 };
const EDGE = 12;
const ZOOM_STEP = 1.25;
/** Below this scale the captions of cards are larger, so that they can be read. */
const SMALL_SCALE = 0.6;

export interface TreeCanvasProps<T extends Node> {
  label: string;
  layout: Layout<T>;
  selected: string | undefined;
  onSelect(id: string): void;
  toneOf(node: T): string;
  /** True for a node that the legend does not show: it has no picture from far away. */
  isDim(node: T): boolean;
  /** True for a node that has no task yet. Its line is dashed. */
  isPlanned(node: T): boolean;
  nameOf(node: T): string;
  /** Label below the picture of a card that is drawn as one element. */
  captionOf(node: T): string;
  /** Address of the picture of such a card; undefined if there is none. */
  imageOf(node: T): string | undefined;
  /** Number of nodes that are hidden below a folded node. */
  hiddenBelow(id: string): number;
  onFold(id: string): void;
  children(node: T): ReactNode;
}

export function TreeCanvas<T extends Node>(props: TreeCanvasProps<T>) {
  const { label, layout, selected, onSelect, toneOf, isDim, isPlanned, nameOf, hiddenBelow, onFold, children } = props;
  const { captionOf, imageOf } = props;
  const { positioned, rows, columns } = layout;
  const port = useRef<HTMLDivElement>(null);
  const plane = useRef<HTMLDivElement>(null);
  const size = useSize(port);
  const whole = useMemo<Box>(
    () => ({ width: (columns - 1) * CELL.width + CELL.card + 2 * EDGE, height: rows * CELL.height + 2 * EDGE }),
    [columns, rows],
  );
  const root = positioned[0];
  const [moved, setMoved] = useState<View>();
  const first = useMemo(
    () => firstView(whole, size, { x: EDGE, y: EDGE + (root?.row ?? 0) * CELL.height + CELL.anchor }),
    // The first view is computed again while the user has not moved the canvas.
    [whole, size, root?.row],
  );
  const view = moved ?? first;
  const change = useCallback((to: (view: View) => View) => setMoved((now) => to(now ?? first)), [first]);
  useWheelZoom(port, change);
  const drag = useDrag(change);

  const byId = useMemo(() => new Map(positioned.map((at) => [at.node.id, at])), [positioned]);
  const stop = selected !== undefined && byId.has(selected) ? selected : root?.node.id;
  const inSight = positioned.filter((at) => at.node.id === stop || isNear(view, rectOf(at), size));
  const detail = detailOf(view.scale, inSight.length);
  // From very far away all nodes are one drawing, and only the selected one is an element.
  const near = detail === "drawn" ? inSight.filter(({ node }) => node.id === stop) : inSight;

  const wanted = useRef<string>(undefined);
  useLayoutEffect(() => {
    if (wanted.current === undefined) return;
    const node = plane.current?.querySelector<HTMLElement>(`[data-node="${wanted.current}"]`);
    // The address names the selected node, and it changes after the view. Until then the node may not exist.
    if (!node) return;
    node.focus({ preventScroll: true });
    wanted.current = undefined;
  });
  function goTo(id: string) {
    onSelect(id);
    wanted.current = id;
    change((now) => revealing(now, rectOf(byId.get(id)!), size));
  }

  // A selection from elsewhere, as a step of the legend, is shown. The first one is not: the first view has its own place.
  const [known, setKnown] = useState(selected);
  if (selected !== known) {
    setKnown(selected);
    const at = selected === undefined ? undefined : byId.get(selected);
    if (at && !isSeen(view, rectOf(at), size)) change((now) => revealing(now, rectOf(at), size));
  }

  const fit = () => setMoved(fitted(whole, size));
  const middle = { x: size.width / 2, y: size.height / 2 };
  function actOf(key: string, here: PositionedNode<T> | undefined, hasFolded: boolean, to: string | undefined) {
    if (key === "f") return fit;
    if (key === "1") return () => change((now) => zoomed(now, 1 / now.scale, middle));
    if (key === "+") return () => change((now) => zoomed(now, ZOOM_STEP, middle));
    if (key === "-") return () => change((now) => zoomed(now, 1 / ZOOM_STEP, middle));
    if (key === "t" && root) return () => goTo(root.node.id);
    if (!here) return undefined;
    if (key === "ArrowRight" && hasFolded) return () => onFold(here.node.id);
    // The first ArrowLeft folds an open branch, the next one goes to the parent.
    if (key === "ArrowLeft" && here.children.length > 0 && here.depth > 0) return () => onFold(here.node.id);
    return to === undefined ? undefined : () => goTo(to);
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const id = (event.target as HTMLElement).dataset["node"];
    const here = id === undefined ? undefined : byId.get(id);
    const hasFolded = id !== undefined && hiddenBelow(id) > 0;
    const to = id === undefined ? undefined : stepFrom(positioned, id, event.key);
    const act = actOf(event.key, here, hasFolded, to);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Selects the node of the drawing under the pointer. */
  function onClick(event: MouseEvent) {
    if (detail !== "drawn" || (event.target as HTMLElement).closest("button")) return;
    const { left, top } = plane.current!.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / view.scale, (event.clientY - top) / view.scale];
    const hit = inSight.find((at) => {
      const rect = rectOf(at);
      return x >= rect.x && x <= rect.x + rect.width && y >= rect.y && y <= rect.y + rect.height;
    });
    if (hit) onSelect(hit.node.id);
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys act on the tree inside, and every drag has a key
    <div
      ref={port}
      className={`canvas ${detail}${view.scale < SMALL_SCALE ? "" : " close"}`}
      onKeyDown={onKeyDown}
      onClick={onClick}
      {...drag}
    >
      <div
        ref={plane}
        role="tree"
        aria-label={label}
        className="tree-plane"
        tabIndex={-1}
        style={{
          width: whole.width,
          height: whole.height,
          transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
        }}
      >
        <Lines
          positioned={positioned}
          near={inSight}
          byId={byId}
          isPlanned={isPlanned}
          toneOf={toneOf}
          box={whole}
          isMerged={detail !== "full"}
        />
        {detail === "drawn" && <Drawing positioned={inSight} toneOf={toneOf} box={whole} />}
        {near.map((at) => {
          const { node, children: below } = at;
          const hidden = hiddenBelow(node.id);
          return (
            <button
              key={node.id}
              type="button"
              role="treeitem"
              data-node={node.id}
              className={`node ${toneOf(node)}${isPlanned(node) ? " ghost" : ""}${hidden > 0 ? " stack" : ""}`}
              style={{
                left: rectOf(at).x,
                top: rectOf(at).y,
                width: CELL.card,
                ...(detail === "plain" && !isDim(node) && backgroundOf(imageOf(node))),
              }}
              {...(detail === "plain" && { "data-caption": captionOf(node) })}
              {...(detail !== "full" && {
                "aria-label": `${nameOf(node)}${hidden > 0 ? `, ${t.flow.hidden(hidden)}` : ""}`,
              })}
              aria-level={at.depth + 1}
              aria-posinset={at.position}
              aria-setsize={at.siblings}
              aria-selected={node.id === selected}
              {...((below.length > 0 || hidden > 0) && { "aria-expanded": hidden === 0 })}
              tabIndex={node.id === stop ? 0 : -1}
              onClick={() => onSelect(node.id)}
              onDoubleClick={() => (below.length > 0 || hidden > 0) && onFold(node.id)}
            >
              {detail === "full" && children(node)}
              {detail === "full" && hidden > 0 && <span className="unseen">{t.flow.hidden(hidden)}</span>}
            </button>
          );
        })}
      </div>
      <div className="canvas-tools">
        <button
          type="button"
          aria-label={t.lightbox.zoomOut}
          title={`${t.lightbox.zoomOut} (-)`}
          onClick={() => change((now) => zoomed(now, 1 / ZOOM_STEP, middle))}
        >
          <Icon name="minus" />
        </button>
        <span className="number">{Math.round(view.scale * 100)} %</span>
        <button
          type="button"
          aria-label={t.lightbox.zoomIn}
          title={`${t.lightbox.zoomIn} (+)`}
          onClick={() => change((now) => zoomed(now, ZOOM_STEP, middle))}
        >
          <Icon name="plus" />
        </button>
        <button type="button" aria-label={t.flow.fit} title={`${t.flow.fit} (f)`} onClick={fit}>
          <Icon name="maximize" />
        </button>
      </div>
      {positioned.length > 11 && (
        <Minimap layout={layout} view={view} port={size} box={whole} toneOf={toneOf} onMove={change} />
      )}
    </div>
  );
}

/** The picture as a background, so that a card is one element. The address may come from a vendor, so it is quoted. */
function backgroundOf(url: string | undefined): { backgroundImage?: string } {
  if (url === undefined) return {};
  return { backgroundImage: `url("${url.replaceAll(/["\\\n\r]/g, encodeURIComponent)}")` };
}

/** All nodes in sight, one path for each color. */
function Drawing<T extends Node>(props: {
  positioned: readonly PositionedNode<T>[];
  toneOf(node: T): string;
  box: Box;
}) {
  const { positioned, toneOf, box } = props;
  return (
    <svg className="drawing" width={box.width} height={box.height} aria-hidden="true">
      {rectsByTone(positioned, toneOf).map(([tone, d]) => (
        <path key={tone} className={tone} d={d} />
      ))}
    </svg>
  );
}

function rectsByTone<T extends Node>(positioned: readonly PositionedNode<T>[], toneOf: (node: T) => string) {
  return pathsByTone(positioned.map((at) => ({ tone: toneOf(at.node), ...rectOf(at) })));
}

function rectOf({ column, row }: { column: number; row: number }) {
  return { x: EDGE + column * CELL.width, y: EDGE + row * CELL.height, width: CELL.card, height: CELL.cardHeight };
}

/** One path for the lines of one kind from a parent. From far away there is one path for each kind. */
function Lines<T extends Node>(props: {
  positioned: readonly PositionedNode<T>[];
  near: readonly PositionedNode<T>[];
  byId: ReadonlyMap<string, PositionedNode<T>>;
  isPlanned(node: T): boolean;
  toneOf(node: T): string;
  box: Box;
  isMerged: boolean;
}) {
  const { positioned, near, byId, isPlanned, toneOf, box, isMerged } = props;
  const shown = new Set(near.map(({ node }) => node.id));
  const paths = new Map<string, { className: string; d: string }>();
  for (const at of positioned) {
    const parent = at.parent === undefined ? undefined : byId.get(at.parent);
    if (!parent || !(shown.has(at.node.id) || shown.has(parent.node.id))) continue;
    const tone = toneOf(at.node);
    const className = isPlanned(at.node) ? "planned" : tone === "run" || tone === "bad" ? tone : "";
    const key = isMerged ? className : `${parent.node.id} ${className}`;
    const d = `${paths.get(key)?.d ?? ""}${lineTo(rectOf(parent), rectOf(at))}`;
    paths.set(key, { className, d });
  }
  return (
    <svg className="lines" width={box.width} height={box.height} aria-hidden="true">
      {[...paths].map(([key, { className, d }]) => (
        <path key={key} className={className} d={d} />
      ))}
    </svg>
  );
}

function lineTo(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const [x1, y1, x2, y2] = [from.x + CELL.card, from.y + CELL.anchor, to.x, to.y + CELL.anchor];
  const bend = Math.min(x2 - x1, CELL.width - CELL.card + 20) / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x1 + bend} ${y2} ${x1 + 2 * bend} ${y2}H${x2}`;
}

const MAP: Box = { width: 160, height: 100 };

function Minimap<T extends Node>(props: {
  layout: Layout<T>;
  view: View;
  port: Box;
  box: Box;
  toneOf(node: T): string;
  onMove(to: (view: View) => View): void;
}) {
  const { layout, view, port, box, toneOf, onMove } = props;
  const scale = Math.min(MAP.width / box.width, MAP.height / box.height);
  const moveTo = ({ clientX, clientY, currentTarget }: PointerEvent) => {
    const { left, top } = currentTarget.getBoundingClientRect();
    const [x, y] = [(clientX - left) / scale, (clientY - top) / scale];
    onMove((now) => ({ ...now, x: port.width / 2 - x * now.scale, y: port.height / 2 - y * now.scale }));
  };
  const tones = useMemo(() => rectsByTone(layout.positioned, toneOf), [layout, toneOf]);
  return (
    <svg
      className="minimap"
      width={box.width * scale}
      height={box.height * scale}
      viewBox={`0 0 ${box.width} ${box.height}`}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        moveTo(event);
      }}
      onPointerMove={(event) => event.buttons > 0 && moveTo(event)}
    >
      {tones.map(([tone, d]) => (
        <path key={tone} className={tone} d={d} />
      ))}
      <rect
        className="seen"
        x={-view.x / view.scale}
        y={-view.y / view.scale}
        width={port.width / view.scale}
        height={port.height / view.scale}
      />
    </svg>
  );
}

function useSize(element: React.RefObject<HTMLElement | null>): Box {
  const [size, setSize] = useState<Box>({ width: 800, height: 600 });
  useLayoutEffect(() => {
    const target = element.current!;
    const read = () => setSize({ width: target.clientWidth, height: target.clientHeight });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

/** The wheel zooms to the pointer. React's own wheel listener is passive and could not keep the page from scrolling. */
function useWheelZoom(port: React.RefObject<HTMLElement | null>, change: (to: (view: View) => View) => void): void {
  useEffect(() => {
    const target = port.current!;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = target.getBoundingClientRect();
      const at = { x: event.clientX - left, y: event.clientY - top };
      change((now) => zoomed(now, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), at));
    };
    target.addEventListener("wheel", onWheel, { passive: false });
    return () => target.removeEventListener("wheel", onWheel);
  }, [port, change]);
}

/** Dragging the ground moves the canvas. A drag that begins on a node moves it too, but a click selects the node. */
function useDrag(change: (to: (view: View) => View) => void) {
  const from = useRef<{ x: number; y: number; isMoving: boolean }>(undefined);
  return {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button === 0) from.current = { x: event.clientX, y: event.clientY, isMoving: false };
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const start = from.current;
      if (!start || event.buttons === 0) return;
      const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
      if (!start.isMoving && Math.hypot(dx, dy) < 4) return;
      if (!start.isMoving) event.currentTarget.setPointerCapture(event.pointerId);
      from.current = { x: event.clientX, y: event.clientY, isMoving: true };
      change((now) => ({ ...now, x: now.x + dx, y: now.y + dy }));
    },
    onPointerUp() {
      from.current = undefined;
    },
    onPointerCancel() {
      from.current = undefined;
    },
  };
}
