/**
 * Layout of a lineage as a tree. Columns are depths, from left to right. A leaf gets its own row, and a parent is
 * centered between its children. The functions are pure and accept any input: a node without a known parent counts as a
 * root, and cycles are cut.
 */
export interface Node {
  id: string;
  parentId: string | null;
}

export interface PositionedNode<T extends Node> {
  node: T;
  /** Distance from the root; 0 at the root. */
  depth: number;
  /** Row from the top; a fraction is a position between two rows. */
  row: number;
  /** Position among the siblings, from 1 (`aria-posinset`). */
  position: number;
  siblings: number;
  /** Id of the parent; undefined for a root. */
  parent: string | undefined;
  /** Ids of the children. */
  children: string[];
}

export interface Layout<T extends Node> {
  /** Nodes in keyboard order: parents before their children, siblings in their order. */
  positioned: PositionedNode<T>[];
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
  const positioned: PositionedNode<T>[] = [];
  const seen = new Set<string>();
  let rows = 0;

  function addNode(node: T, depth: number, parent: string | undefined, position: number, siblings: number): number {
    seen.add(node.id);
    const below = (children.get(node.id) ?? []).filter(({ id }) => !seen.has(id));
    const self = { node, depth, row: 0, position, siblings, parent, children: below.map(({ id }) => id) };
    positioned.push(self);
    const at = below.map((child, i) => addNode(child, depth + 1, node.id, i + 1, below.length));
    self.row = at.length === 0 ? rows++ : (at[0]! + at.at(-1)!) / 2;
    return self.row;
  }

  roots.forEach((root, i) => {
    addNode(root, 0, undefined, i + 1, roots.length);
  });
  // The remaining nodes form cycles. Our server creates none, but a cycle must not hang the page.
  for (const node of byId.values()) if (!seen.has(node.id)) addNode(node, 0, undefined, 1, 1);
  return { positioned, rows, depth: positioned.reduce((max, { depth }) => Math.max(max, depth + 1), 0) };
}

/** Returns the id that a key moves to (WAI-ARIA APG, tree view); undefined if the key moves nowhere. */
export function stepFrom<T extends Node>(
  positioned: readonly PositionedNode<T>[],
  id: string,
  key: string,
): string | undefined {
  const at = positioned.findIndex(({ node }) => node.id === id);
  const here = positioned[at];
  if (!here) return undefined;
  switch (key) {
    case "ArrowDown":
      return positioned[at + 1]?.node.id;
    case "ArrowUp":
      return positioned[at - 1]?.node.id;
    case "ArrowRight":
      return here.children[0];
    case "ArrowLeft":
      return here.parent;
    case "Home":
      return positioned[0]?.node.id;
    case "End":
      return positioned.at(-1)?.node.id;
    default:
      return undefined;
  }
}
