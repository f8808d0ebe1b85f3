/** A lineage as a small tree: columns on a wide screen, an indented list on a narrow one. `tree-canvas.tsx` has the large one. */
import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { useMedia } from "../hooks.ts";
import { type Layout, type Node, type PositionedNode, stepFrom } from "../lib/tree.ts";

/** Sizes in px. `anchor` is the distance from the top of a card to the line that connects it. */
const IMAGE_CARD = { width: 188, height: 136, card: 144, anchor: 46 };
const TEXT_CARD = { width: 172, height: 62, card: 136, anchor: 24 };
type Cell = typeof IMAGE_CARD;
const EDGE = 8;

export interface TreeViewProps<T extends Node> {
  label: string;
  layout: Layout<T>;
  selected: string | undefined;
  onSelect(id: string): void;
  toneOf(node: T): string;
  /** True for cards with text only. */
  compact?: boolean;
  /** True for a node that has no task yet. */
  isPlanned?(node: T): boolean;
  children(node: T): ReactNode;
}

export function TreeView<T extends Node>(props: TreeViewProps<T>) {
  const { label, layout, selected, onSelect, toneOf, children, compact = false, isPlanned } = props;
  const cell = compact ? TEXT_CARD : IMAGE_CARD;
  const isNarrow = useMedia("(max-width: 720px)");
  const tree = useRef<HTMLDivElement>(null);
  const { positioned, rows, columns } = layout;
  // Only one node is a Tab stop; the arrow keys reach the others.
  const stop = positioned.some(({ node }) => node.id === selected) ? selected : positioned[0]?.node.id;

  function onKeyDown(event: KeyboardEvent) {
    const id = (event.target as HTMLElement).dataset["node"];
    if (!id || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = stepFrom(positioned, id, event.key);
    if (to === undefined) return;
    event.preventDefault();
    onSelect(to);
    const next = [...(tree.current?.querySelectorAll<HTMLElement>("[data-node]") ?? [])];
    next.find((element) => element.dataset["node"] === to)?.focus();
  }

  const size = isNarrow
    ? undefined
    : { width: (columns - 1) * cell.width + cell.card + 2 * EDGE, height: rows * cell.height };
  return (
    <div className={`tree${isNarrow ? " narrow" : ""}${compact ? " compact" : ""}`}>
      <div
        ref={tree}
        role="tree"
        aria-label={label}
        className="tree-plane"
        style={size}
        onKeyDown={onKeyDown}
        tabIndex={-1}
      >
        {!isNarrow && <Lines positioned={positioned} toneOf={toneOf} cell={cell} {...size!} />}
        {positioned.map((at) => (
          <button
            key={at.node.id}
            type="button"
            role="treeitem"
            data-node={at.node.id}
            className={`node ${toneOf(at.node)}${isPlanned?.(at.node) ? " ghost" : ""}`}
            style={isNarrow ? { marginInlineStart: Math.min(at.depth, 6) * 18 } : positionOf(at, cell)}
            aria-level={at.depth + 1}
            aria-posinset={at.position}
            aria-setsize={at.siblings}
            aria-selected={at.node.id === selected}
            {...(at.children.length > 0 && { "aria-expanded": true })}
            tabIndex={at.node.id === stop ? 0 : -1}
            onClick={() => onSelect(at.node.id)}
          >
            {children(at.node)}
          </button>
        ))}
      </div>
    </div>
  );
}

function positionOf({ depth, row }: { depth: number; row: number }, { width, height, card }: Cell) {
  return { left: EDGE + depth * width, top: EDGE + row * height, width: card };
}

function Lines<T extends Node>(props: {
  positioned: readonly PositionedNode<T>[];
  toneOf(node: T): string;
  cell: Cell;
  width: number;
  height: number;
}) {
  const { positioned, toneOf, cell, width, height } = props;
  const byId = new Map(positioned.map((at) => [at.node.id, at]));
  return (
    <svg className="lines" width={width} height={height} aria-hidden="true">
      {positioned.map((at) => {
        const parent = at.parent === undefined ? undefined : byId.get(at.parent);
        if (!parent) return null;
        const [x1, y1] = [EDGE + parent.depth * cell.width + cell.card, EDGE + parent.row * cell.height + cell.anchor];
        const [x2, y2] = [EDGE + at.depth * cell.width, EDGE + at.row * cell.height + cell.anchor];
        const middle = (x1 + x2) / 2;
        return (
          <path
            key={at.node.id}
            className={toneOf(at.node)}
            d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`}
          />
        );
      })}
    </svg>
  );
}
