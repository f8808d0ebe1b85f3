/**
 * Ids: prefixed, time-sortable, and a task's id says where it stands in its flow.
 *
 *     flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0        the root
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2      what the plan's third press made of the root
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2-mX7  a press by hand on that task
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-mr2    the third press once more, after it had failed
 *
 * A follow-up's id is its place in the plan, so starting it twice is starting it once (T3, P4), and parent, root and
 * depth need no look-up (T6). Ids travel to vendors inside hook URLs and must survive every URL: [0-9A-Za-z_-] only.
 */

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID = "[0-9A-HJKMNP-TV-Z]{26}";
const PATH = "0(?:-(?:0|[1-9]\\d{0,2}|m[0-9A-Za-z]{1,32}))*";
const FLOW = new RegExp(`^flow_(${ULID})$`);
const TASK = new RegExp(`^task_(${ULID})_(${PATH})$`);

export const ROOT_PATH = "0";

/** @param random 10 bytes; time and chance are arguments, because core has neither. */
export function flowIdOf(timeMs: number, random: Uint8Array): string {
  if (random.length !== 10) throw new RangeError("flowIdOf needs 10 random bytes");
  let time = "";
  for (let rest = Math.floor(timeMs), i = 0; i < 10; i++, rest = Math.floor(rest / 32))
    time = CROCKFORD[rest % 32] + time;
  return `flow_${time}${crockford(random)}`;
}

/** Eight characters per five bytes, no padding. Also makes the path segment of a press by hand. */
export function crockford(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; ) {
      bits -= 5;
      text += CROCKFORD[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + CROCKFORD[(held << (5 - bits)) & 31] : text;
}

export function isFlowId(id: string): boolean {
  return FLOW.test(id);
}

export function taskIdOf(flowId: string, path: string): string {
  return `task_${flowId.slice("flow_".length)}_${path}`;
}

/** Where a task stands, or nothing for text that is not a task id. */
export function parseTaskId(id: string): { flowId: string; path: string } | undefined {
  const match = TASK.exec(id);
  return match ? { flowId: `flow_${match[1]}`, path: match[2]! } : undefined;
}

export function childPath(path: string, segment: number | string): string {
  return `${path}-${segment}`;
}

/** None for the root, nor for what retries it: that stands in its place. */
export function parentPath(path: string): string | undefined {
  if (path === rootPath(path)) return undefined;
  return path.slice(0, path.lastIndexOf("-"));
}

/** The root of a lineage: the flow's first task, or one that retries it. */
export function rootPath(path: string): string {
  return /^0(?:-(?:mr)+(?=-|$))?/.exec(path)?.[0] ?? ROOT_PATH;
}

/** A root is at depth 0. */
export function depthOf(path: string): number {
  return path.slice(rootPath(path).length).split("-").length - 1;
}

/**
 * Where the retry of a task stands: beside it, and always at the same place, so that a task is retried once. Undefined
 * when its name would be too long.
 *
 *     0 → 0-mr    0-2 → 0-mr2    0-mr2 → 0-mrmr2    0-mX7Q → 0-mrmX7Q
 */
export function retryPath(path: string): string | undefined {
  if (path === ROOT_PATH) return childPath(path, RETRY);
  const at = path.lastIndexOf("-") + 1;
  const segment = `${RETRY}${path.slice(at)}`;
  return segment.length <= 33 ? path.slice(0, at) + segment : undefined;
}

/** The task that the one at `path` retries. */
export function retriedPath(path: string): string | undefined {
  const at = path.lastIndexOf("-") + 1;
  const segment = path.slice(at);
  if (at === 0 || !segment.startsWith(RETRY)) return undefined;
  return segment === RETRY ? path.slice(0, at - 1) : path.slice(0, at) + segment.slice(RETRY.length);
}

/** Segments of presses by hand are Crockford's, in capitals. */
const RETRY = "mr";

/** A planned child's last segment is its index in the parent's `then`; one pressed by hand begins with `m`. */
export function isPlannedChild(path: string, ofPath: string): boolean {
  return parentPath(path) === ofPath && !path.slice(ofPath.length + 1).startsWith("m");
}
