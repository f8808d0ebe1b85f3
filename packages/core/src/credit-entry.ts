/**
 * Open entries of a credit counter (credit.ts). A response can be lost after its write, and an addition is not idempotent. So
 * the write that adds also sets an entry, with the condition that the entry is absent. A repetition is refused, and the entry
 * in the refused row proves that the change was made.
 *
 *     h<flow>         the hold of a new flow           confirmed by the flow's row with the same mark
 *     x<flow>/<path>  the hold of a press              confirmed by the flow's row that awaits the path with the same mark
 *     s<no>.<flow>    settlement number <no>           confirmed by the flow's row with more settlements
 *     g<hash>         a grant                          confirmed by the grant's row
 *     m               holds in the row of an earlier version, which must be checked once
 *
 * `<flow>` is the flow id without its prefix. Names and values are short, because all entries share one kilobyte.
 */

const FLOW_PREFIX = "flow_";

export const FROZEN_HOLDS_ENTRY = "m";

export interface EntryValue {
  /** Amount, micro-USD. */
  micro: number;
  /** Time of the change, epoch ms; stored in seconds. */
  at: number;
  /** Short random text that tells two changes for the same name apart; unset: none is needed. */
  mark?: string;
  /** True if the change also counted the flow as running. */
  runs?: boolean;
  /** Reference of a grant. */
  reference?: string;
}

export type EntryRef =
  | { kind: "hold"; flowId: string }
  | { kind: "press"; flowId: string; path: string }
  | { kind: "settlement"; flowId: string; no: number }
  | { kind: "grant" }
  | { kind: "frozen" };

export function holdEntryName(flowId: string): string {
  return `h${shortId(flowId)}`;
}

export function pressEntryName(flowId: string, path: string): string {
  return `x${shortId(flowId)}/${path}`;
}

export function settlementEntryName(flowId: string, no: number): string {
  return `s${no}.${shortId(flowId)}`;
}

/** A reference can have 200 characters, so the name contains only its hash (FNV-1a, twice 32 bits). */
export function grantEntryName(reference: string): string {
  return `g${hash(reference, 0x811c9dc5)}${hash(reference, 0x01234567)}`;
}

/** Returns what an entry is about; undefined if a newer version made it. */
export function parseEntryName(name: string): EntryRef | undefined {
  const rest = name.slice(1);
  if (name === FROZEN_HOLDS_ENTRY) return { kind: "frozen" };
  if (name.startsWith("h")) return { kind: "hold", flowId: longId(rest) };
  if (name.startsWith("g")) return { kind: "grant" };
  if (name.startsWith("x")) {
    const [id = "", path = ""] = rest.split("/");
    return { kind: "press", flowId: longId(id), path };
  }
  if (!name.startsWith("s")) return undefined;
  const [no = "", id = ""] = rest.split(".");
  return { kind: "settlement", flowId: longId(id), no: Number(no) };
}

export function entryValue({ micro, at, mark = "", runs, reference }: EntryValue): string {
  const parts = [micro.toString(36), Math.floor(at / 1_000).toString(36), mark, runs ? "r" : ""].join(".");
  return reference === undefined ? parts.replace(/(?<!\.)\.+$/, "") : `${parts}.${reference}`;
}

export function parseEntryValue(value: string): EntryValue {
  const [micro = "0", at = "0", mark = "", runs = "", ...reference] = value.split(".");
  return {
    micro: Number.parseInt(micro, 36),
    at: Number.parseInt(at, 36) * 1_000,
    ...(mark !== "" && { mark }),
    ...(runs === "r" && { runs: true }),
    ...(reference.length > 0 && { reference: reference.join(".") }),
  };
}

function shortId(flowId: string): string {
  return flowId.slice(FLOW_PREFIX.length);
}

function longId(id: string): string {
  return `${FLOW_PREFIX}${id}`;
}

function hash(text: string, seed: number): string {
  let value = seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(36);
}
