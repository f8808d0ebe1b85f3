/**
 * Layout of a lineage as a tree. Columns are depths, from left to right. A leaf gets its own row, and a parent is
 * centered between its children. Many leaves of one parent can stand as a block instead of a long column. The functions are
 * pure and accept any input: a node without a known parent counts as a root, and cycles are cut.
 */
export interface Node {
  id: string;
  parentId: string | null;
}

export interface PositionedNode<T extends Node> {
  node: T;
  /** Distance from the root; 0 at the root. */
  depth: number;
  /** Column from the left. It is the depth, except in a block of leaves. */
  column: number;
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
  /** Number of columns. */
  columns: number;
}

/** From this number on, the leaves of one parent stand as a block. */
const BLOCK_FROM = 7;
const BLOCK_COLUMNS = 11;

/** @param hasBlocks true: seven or more leaves of one parent stand as a block, 11 to a row */
export function layout<T extends Node>(nodes: readonly T[], { hasBlocks = false } = {}): Layout<T> {
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
    const ids = below.map(({ id }) => id);
    const self = { node, depth, column: depth, row: 0, position, siblings, parent, children: ids };
    positioned.push(self);
    const isLeaf = ({ id }: T) => !children.has(id);
    const leaves = below.filter(isLeaf).length;
    const isBlock = hasBlocks && leaves >= BLOCK_FROM;
    let [blockRow, inBlock] = [0, 0];
    const at = below.map((child, i) => {
      if (!isBlock || !isLeaf(child)) return addNode(child, depth + 1, node.id, i + 1, below.length);
      if (inBlock === 0) {
        blockRow = rows;
        rows += Math.ceil(leaves / BLOCK_COLUMNS);
      }
      seen.add(child.id);
      const row = blockRow + Math.floor(inBlock / BLOCK_COLUMNS);
      const column = depth + 1 + (inBlock++ % BLOCK_COLUMNS);
      const place = { depth: depth + 1, column, row, position: i + 1, siblings: below.length };
      positioned.push({ node: child, ...place, parent: node.id, children: [] });
      return row;
    });
    self.row = at.length === 0 ? rows++ : (Math.min(...at) + Math.max(...at)) / 2;
    return self.row;
  }

  roots.forEach((root, i) => {
    addNode(root, 0, undefined, i + 1, roots.length);
  });
  // The remaining nodes form cycles. Our server creates none, but a cycle must not hang the page.
  for (const node of byId.values()) if (!seen.has(node.id)) addNode(node, 0, undefined, 1, 1);
  return { positioned, rows, columns: positioned.reduce((max, { column }) => Math.max(max, column + 1), 0) };
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

/** Returns the nodes without those below a folded node, and the hidden nodes of each folded node. */
export function foldedNodes<T extends Node>(
  nodes: readonly T[],
  folded: ReadonlySet<string>,
): { shown: T[]; hidden: ReadonlyMap<string, readonly T[]> } {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const hidden = new Map<string, T[]>();
  const shown = nodes.filter((node) => {
    // The folded node that is nearest to the root stands for the node.
    let top: string | undefined;
    const seen = new Set<string>();
    for (let at = node.parentId; at !== null && !seen.has(at); at = byId.get(at)?.parentId ?? null) {
      seen.add(at);
      if (folded.has(at)) top = at;
    }
    if (top === undefined || seen.has(node.id)) return true;
    hidden.set(top, [...(hidden.get(top) ?? []), node]);
    return false;
  });
  return { shown, hidden };
}
