/**
 * Where each picture of a lineage stands. Left to right by depth; a leaf takes a row of its own, and whoever has children
 * stands in the middle of them. Pure, and total: a node whose parent is not there is a root, a circle is cut.
 */
export interface Node {
  id: string;
  parentId: string | null;
}

export interface PositionedNode<T extends Node> {
  node: T;
  /** 0 at the root. */
  depth: number;
  /** In rows from the top; may lie between two. */
  row: number;
  /** Among its siblings, from 1, as assistive technology counts. */
  position: number;
  siblings: number;
  /** Ids. */
  parent: string | undefined;
  children: string[];
}

export interface Layout<T extends Node> {
  /** Parents before their children, siblings in their order: how a person walks through it. */
  placed: PositionedNode<T>[];
  rows: number;
  depth: number;
}

export function layout<T extends Node>(nodes: readonly T[]): Layout<T> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const children = new Map<string, T[]>();
  const roots: T[] = [];
  for (const node of byId.values()) {
    const parent = node.parentId === null || node.parentId === node.id ? undefined : byId.get(node.parentId);
    if (!parent) roots.push(node);
    else children.set(parent.id, [...(children.get(parent.id) ?? []), node]);
  }
  const placed: PositionedNode<T>[] = [];
  const seen = new Set<string>();
  let rows = 0;

  function place(node: T, depth: number, parent: string | undefined, position: number, siblings: number): number {
    seen.add(node.id);
    const below = (children.get(node.id) ?? []).filter(({ id }) => !seen.has(id));
    const self = { node, depth, row: 0, position, siblings, parent, children: below.map(({ id }) => id) };
    placed.push(self);
    const at = below.map((child, i) => place(child, depth + 1, node.id, i + 1, below.length));
    self.row = at.length === 0 ? rows++ : (at[0]! + at.at(-1)!) / 2;
    return self.row;
  }

  roots.forEach((root, i) => {
    place(root, 0, undefined, i + 1, roots.length);
  });
  // What is left stands in a circle: no server of ours makes one, and a page that hangs would be worse than an odd one.
  for (const node of byId.values()) if (!seen.has(node.id)) place(node, 0, undefined, 1, 1);
  return { placed, rows, depth: placed.reduce((max, { depth }) => Math.max(max, depth + 1), 0) };
}

/** Which one an arrow key leads to, as in any tree (WAI-ARIA APG, tree view); undefined where it leads nowhere. */
export function stepFrom<T extends Node>(
  placed: readonly PositionedNode<T>[],
  id: string,
  key: string,
): string | undefined {
  const at = placed.findIndex(({ node }) => node.id === id);
  const here = placed[at];
  if (!here) return undefined;
  switch (key) {
    case "ArrowDown":
      return placed[at + 1]?.node.id;
    case "ArrowUp":
      return placed[at - 1]?.node.id;
    case "ArrowRight":
      return here.children[0];
    case "ArrowLeft":
      return here.parent;
    case "Home":
      return placed[0]?.node.id;
    case "End":
      return placed.at(-1)?.node.id;
    default:
      return undefined;
  }
}
