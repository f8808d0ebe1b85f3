/**
 * Checks prompts against the banned words of the deployment: the words of the configuration plus the list that the
 * operator stored.
 */
import { type BannedList, bannedFinder, type FindBanned, type Prompt } from "@mjflow/core/banned";
import { MjflowError } from "@mjflow/core/error";
import type { Clock, Log, VendorStore } from "@mjflow/core/port";

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
  vendorStore: Pick<VendorStore, "bannedList">;
  clock: Clock;
  log: Log;
  /** Cache time of the stored list, ms: another process uses a changed list at most this much later. */
  cacheTtlMs: number;
}

export function createBannedWordsCheck({
  configured,
  vendorStore,
  clock,
  log,
  cacheTtlMs,
}: BannedDeps): BannedWordsCheck {
  let find: FindBanned | undefined;
  let until = Number.NEGATIVE_INFINITY;

  async function finder(): Promise<FindBanned> {
    if (find && until > clock.now()) return find;
    try {
      const stored = await vendorStore.bannedList();
      find = bannedFinder([...configured, ...(stored?.words ?? [])]);
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

const MAX_CONFLICT_RETRIES = 5;

/**
 * Replaces the stored list.
 * @throws MjflowError `overloaded`
 */
export async function saveBannedWords(deps: BannedAdmin, words: readonly string[]): Promise<BannedList> {
  for (let retry = 0; retry < MAX_CONFLICT_RETRIES; retry++) {
    const rev = (await deps.vendorStore.bannedList())?.rev ?? 0;
    const list = { rev, words: [...new Set(words)], updatedAt: deps.clock.now() };
    const saved = await deps.vendorStore.saveBannedList(list);
    if (!saved.ok) continue;
    deps.banned.clearCache();
    deps.log.info("banned.saved", { words: list.words.length });
    return saved.item;
  }
  throw new MjflowError("overloaded", { detail: "Other requests changed the list at the same time." });
}
