/**
 * The concurrency limiter of event streams and long polls. An app has a limit, so that one app cannot use all executions,
 * and the deployment has one, so that a refusal can still be answered.
 *
 * The slots of the deployment are spread over groups of about a dozen, so that no row is large or written by all. Two of them
 * are tried, therefore the limit of the deployment is a little lower than the number when the groups fill unevenly.
 */

import { STREAMS } from "@mjflow/core/limit";
import type { Clock, StreamSlots } from "@mjflow/core/port";
import type { Random } from "../deps.ts";
import { newShortId } from "../short-id.ts";

/** @property full which limit is reached */
export type StreamGrant =
  | { ok: true; release(): Promise<void> }
  | { ok: false; full: "app" | "deployment"; max: number };

export interface StreamLimiter {
  /** @throws MjflowError `overloaded` if the slots cannot be written */
  acquire(appId: string): Promise<StreamGrant>;
}

export interface StreamLimiterDeps {
  slots: StreamSlots;
  clock: Clock;
  random: Random;
  perApp: number;
  perDeployment: number;
}

const GROUP_SIZE = 12;
/** For this time after a refusal, a process refuses all streams of the app without asking again, ms. */
const REFUSED_MS = 1_000;
/** Refused apps that a process remembers; it forgets all of them when there are more. */
const MAX_REFUSED = 1_000;

export function createStreamLimiter({ slots, clock, random, perApp, perDeployment }: StreamLimiterDeps): StreamLimiter {
  const refusedUntil = new Map<string, number>();
  const groups = Math.max(1, Math.ceil(perDeployment / GROUP_SIZE));
  const perGroup = Math.ceil(perDeployment / groups);
  const newId = () => newShortId({ random }, 9);
  const take = (group: string, id: string, max: number) => {
    const now = clock.now();
    return slots.acquire(group, id, max, now, now - STREAMS.staleMs);
  };

  /** Returns the group in which a slot was acquired. */
  async function takeOfDeployment(id: string): Promise<string | undefined> {
    const first = Math.floor(random.chance() * groups) % groups;
    for (const n of new Set([first, (first + Math.ceil(groups / 2)) % groups])) {
      const group = `deployment#${n}`;
      if (await take(group, id, perGroup)) return group;
    }
    return undefined;
  }

  return {
    async acquire(appId) {
      if ((refusedUntil.get(appId) ?? 0) > clock.now()) return { ok: false, full: "app", max: perApp };
      const id = newId();
      if (!(await take(appId, id, perApp))) {
        if (refusedUntil.size >= MAX_REFUSED) refusedUntil.clear();
        refusedUntil.set(appId, clock.now() + REFUSED_MS);
        return { ok: false, full: "app", max: perApp };
      }
      const group = await takeOfDeployment(id);
      if (group === undefined) {
        await slots.release(appId, id);
        return { ok: false, full: "deployment", max: perDeployment };
      }
      const release = async () => void (await Promise.all([slots.release(appId, id), slots.release(group, id)]));
      return { ok: true, release };
    },
  };
}

/** Slots in this process, for a server that consists of one process. */
export function createProcessSlots(): StreamSlots {
  const held = new Map<string, Map<string, number>>();
  return {
    async acquire(group, id, max, now, staleBefore) {
      const own = held.get(group) ?? new Map<string, number>();
      held.set(group, own);
      for (const [other, at] of own) if (at < staleBefore) own.delete(other);
      if (own.size >= max) return false;
      own.set(id, now);
      return true;
    },
    async release(group, id) {
      const own = held.get(group);
      own?.delete(id);
      if (own?.size === 0) held.delete(group);
    },
  };
}
