/**
 * Checks prompts against the banned words of the deployment: the words of the configuration plus the list that the
 * operator stored.
 */
import { type BannedList, bannedFinder, type FindBanned, type Prompt } from "@mjflow/core/banned";
import { MjflowError } from "@mjflow/core/error";
import type { Clock, Log, VendorStore } from "@mjflow/core/port";
import { updateWithRetry } from "../step/update-with-retry.ts";

export interface BannedWordsCheck {
  /**
   * Checks prompts before anything of the request is written or submitted.
   * @throws MjflowError `banned_prompt` with the field and `extra.bannedWord`; `overloaded`
   */
  assertAllowed(prompts: readonly Prompt[]): Promise<void>;
  /** The words of the configuration, which requests cannot change. */
  configured: readonly string[];
  /** Clears the cache after this process has changed the stored list. */
  clearCache(): void;
}

export interface BannedDeps {
  configured: readonly string[];
  vendorStore: Pick<VendorStore, "bannedList" | "bannedRevision">;
  clock: Clock;
  log: Log;
  /** Cache time of the stored list, ms: another process uses a changed list at most this much later. */
  cacheTtlMs: number;
}

/**
 * From this number of words on, a process reads the list again only if its revision has changed. The largest list costs 75 read
 * units, its revision half a unit.
 */
const LARGE_WORDS = 100;
/** A large list is read again after this time, whatever its revision says, ms. */
const REREAD_MS = 15 * 60_000;

export function createBannedWordsCheck({
  configured,
  vendorStore,
  clock,
  log,
  cacheTtlMs,
}: BannedDeps): BannedWordsCheck {
  let find: FindBanned | undefined;
  let until = Number.NEGATIVE_INFINITY;
  /** The large list that is in use, and when it was read. Unset: the list is small or was changed by this process. */
  let large: { rev: number; readAt: number } | undefined;

  /** The revision may be some seconds old. An older one than that in use says nothing. */
  async function isUnchanged(): Promise<boolean> {
    if (!large || clock.now() - large.readAt >= REREAD_MS) return false;
    const rev = await vendorStore.bannedRevision();
    return rev !== undefined && rev <= large.rev;
  }

  async function finder(): Promise<FindBanned> {
    if (find && until > clock.now()) return find;
    try {
      if (!find || !(await isUnchanged())) {
        const stored = await vendorStore.bannedList();
        find = bannedFinder([...configured, ...(stored?.words ?? [])]);
        const isLarge = stored !== undefined && stored.words.length >= LARGE_WORDS;
        large = isLarge ? { rev: stored.rev, readAt: clock.now() } : undefined;
      }
      until = clock.now() + cacheTtlMs;
    } catch (error) {
      // If the read fails, the cached list stays in use, even after its cache time.
      if (!find) throw error;
      log.warn("banned.unread", { error: String(error) });
    }
    return find;
  }

  return {
    configured,
    clearCache() {
      until = Number.NEGATIVE_INFINITY;
      large = undefined;
    },
    async assertAllowed(prompts) {
      if (prompts.length === 0) return;
      const found = await finder();
      for (const { field, text } of prompts) {
        const bannedWord = found(text);
        if (bannedWord === undefined) continue;
        throw new MjflowError("banned_prompt", {
          field,
          detail: `${field}: "${bannedWord}" is not allowed here.`,
          extra: { bannedWord },
        });
      }
    },
  };
}

export interface BannedAdmin {
  banned: BannedWordsCheck;
  vendorStore: VendorStore;
  clock: Clock;
  log: Log;
}

/**
 * Replaces the stored list.
 * @throws MjflowError `overloaded`
 */
export async function saveBannedWords(deps: BannedAdmin, words: readonly string[]): Promise<BannedList> {
  const { row } = await updateWithRetry({
    read: async () => (await deps.vendorStore.bannedList())?.rev ?? 0,
    to: (rev) => ({ rev, words: [...new Set(words)], updatedAt: deps.clock.now() }),
    save: (list) => deps.vendorStore.saveBannedList(list),
    detail: "Other requests changed the list at the same time.",
  });
  deps.banned.clearCache();
  deps.log.info("banned.saved", { words: row!.words.length });
  return row!;
}
