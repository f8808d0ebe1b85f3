/**
 * Ids have a prefix and sort by time. A task id contains the path of the task in its flow.
 *
 *     flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0        the root
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2      the child of the root from the plan's third press
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2-mX7  a press by the app on that task
 *     task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-mr2    the retry of the third press after it failed
 *
 * The id of a follow-up is derived from its position in the plan, so starting it twice creates one task (T3, P4).
 * Parent, root and depth follow from the id without a read (T6). Ids are sent to vendors inside callback URLs, so they
 * contain only characters that need no escaping in a URL: [0-9A-Za-z_-].
 */

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID = "[0-9A-HJKMNP-TV-Z]{26}";
const PATH = "0(?:-(?:0|[1-9]\\d{0,2}|m[0-9A-Za-z]{1,32}))*";
const FLOW = new RegExp(`^flow_(${ULID})$`);
const TASK = new RegExp(`^task_(${ULID})_(${PATH})$`);

export const ROOT_PATH = "0";

/**
 * Returns a flow id: time and random bytes in the format of a ULID. Both are arguments, because core is pure.
 *
 * @param random 10 bytes
 */
export function flowIdOf(timeMs: number, random: Uint8Array): string {
  return `flow_${ulidOf(timeMs, random)}`;
}

/** @param random 10 bytes */
export function ulidOf(timeMs: number, random: Uint8Array): string {
  if (random.length !== 10) throw new RangeError("an id needs 10 random bytes");
  let time = "";
  for (let rest = Math.floor(timeMs), i = 0; i < 10; i++, rest = Math.floor(rest / 32))
    time = CROCKFORD[rest % 32] + time;
  return `${time}${crockford(random)}`;
}

/** Returns a flow id with the time of another one, for a flow whose id must follow from it. @param random 10 bytes */
export function flowIdAt(flowId: string, random: Uint8Array): string {
  if (random.length !== 10) throw new RangeError("flowIdAt needs 10 random bytes");
  return flowId.slice(0, "flow_".length + 10) + crockford(random);
}

/** Encodes bytes in Crockford's base 32 without padding. Also used for the path segment of a press by the app. */
export function crockford(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 5; ) {
      bits -= 5;
      text += CROCKFORD[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + CROCKFORD[(buffer << (5 - bits)) & 31] : text;
}

export function isFlowId(id: string): boolean {
  return FLOW.test(id);
}

export function taskIdOf(flowId: string, path: string): string {
  return `task_${flowId.slice("flow_".length)}_${path}`;
}

/** Returns the flow id and path of a task id, or undefined if the text is not a task id. */
export function parseTaskId(id: string): { flowId: string; path: string } | undefined {
  const match = TASK.exec(id);
  return match ? { flowId: `flow_${match[1]}`, path: match[2]! } : undefined;
}

export function childPath(path: string, segment: number | string): string {
  return `${path}-${segment}`;
}

/** Returns undefined for a root and for its retries, because a retry of the root is a root too. */
export function parentPath(path: string): string | undefined {
  if (path === rootPath(path)) return undefined;
  return path.slice(0, path.lastIndexOf("-"));
}

/** Returns the path of the root above `path`: the first task of the flow, or a retry of it. */
export function rootPath(path: string): string {
  return /^0(?:-(?:mr)+(?=-|$))?/.exec(path)?.[0] ?? ROOT_PATH;
}

/** Returns the depth in the lineage. A root has depth 0. */
export function depthOf(path: string): number {
  return path.slice(rootPath(path).length).split("-").length - 1;
}

/**
 * Returns the path of a task's retry, a sibling of the task. It is always the same path, so a task is retried at most
 * once. Returns undefined if the last segment would be too long.
 *
 *     0 → 0-mr    0-2 → 0-mr2    0-mr2 → 0-mrmr2    0-mX7Q → 0-mrmX7Q
 */
export function retryPath(path: string): string | undefined {
  if (path === ROOT_PATH) return childPath(path, RETRY);
  const at = path.lastIndexOf("-") + 1;
  const segment = `${RETRY}${path.slice(at)}`;
  return segment.length <= 33 ? path.slice(0, at) + segment : undefined;
}

/** Returns the path of the task that the task at `path` retries, or undefined if it is not a retry. */
export function retriedPath(path: string): string | undefined {
  const at = path.lastIndexOf("-") + 1;
  const segment = path.slice(at);
  if (at === 0 || !segment.startsWith(RETRY)) return undefined;
  return segment === RETRY ? path.slice(0, at - 1) : path.slice(0, at) + segment.slice(RETRY.length);
}

/**
 * Prefix of retries. A segment of a press by the app cannot start with it, because Crockford's base 32 uses capitals.
 */
const RETRY = "mr";

/**
 * The last segment of a planned child is its index in the parent's `then`. Presses by the app and retries start with
 * `m`.
 */
export function isPlannedChild(path: string, ofPath: string): boolean {
  return parentPath(path) === ofPath && !path.slice(ofPath.length + 1).startsWith("m");
}
