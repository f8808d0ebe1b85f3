/** A lineage as a tree of pictures: columns on a wide window, an indented list on a narrow one. */
import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { useMedia } from "../hooks.ts";
import { type Layout, type Node, type PositionedNode, stepFrom } from "../lib/tree.ts";

/** In px. `anchor`: where a line leaves and meets a card, from its top. */
const PICTURES = { width: 188, height: 136, card: 144, anchor: 46 };
const WORDS = { width: 172, height: 62, card: 136, anchor: 24 };
type Cell = typeof PICTURES;
const EDGE = 8;

export interface TreeViewProps<T extends Node> {
  label: string;
  layout: Layout<T>;
  selected: string | undefined;
  onSelect(id: string): void;
  toneOf(node: T): string;
  /** Words only, no pictures. */
  compact?: boolean;
  children(node: T): ReactNode;
}

export function TreeView<T extends Node>(props: TreeViewProps<T>) {
  const { label, layout, selected, onSelect, toneOf, children, compact = false } = props;
  const cell = compact ? WORDS : PICTURES;
  const isNarrow = useMedia("(max-width: 720px)");
  const tree = useRef<HTMLDivElement>(null);
  const { placed, rows, depth } = layout;
  // One stop for the Tab key; arrows do the rest.
  const stop = placed.some(({ node }) => node.id === selected) ? selected : placed[0]?.node.id;

  function onKeyDown(event: KeyboardEvent) {
    const id = (event.target as HTMLElement).dataset["node"];
    if (!id || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = stepFrom(placed, id, event.key);
    if (to === undefined) return;
    event.preventDefault();
    onSelect(to);
    const next = [...(tree.current?.querySelectorAll<HTMLElement>("[data-node]") ?? [])];
    next.find((element) => element.dataset["node"] === to)?.focus();
  }

  const size = isNarrow
    ? undefined
    : { width: (depth - 1) * cell.width + cell.card + 2 * EDGE, height: rows * cell.height };
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
        {!isNarrow && <Lines placed={placed} toneOf={toneOf} cell={cell} {...size!} />}
        {placed.map((at) => (
          <button
            key={at.node.id}
            type="button"
            role="treeitem"
            data-node={at.node.id}
            className={`node ${toneOf(at.node)}`}
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
  placed: readonly PositionedNode<T>[];
  toneOf(node: T): string;
  cell: Cell;
  width: number;
  height: number;
}) {
  const { placed, toneOf, cell, width, height } = props;
  const byId = new Map(placed.map((at) => [at.node.id, at]));
  return (
    <svg className="lines" width={width} height={height} aria-hidden="true">
      {placed.map((at) => {
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
