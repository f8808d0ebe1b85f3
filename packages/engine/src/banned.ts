/** The stage's banned words at work: those of its configuration and those its operator stored, together. */
import { type BannedList, bannedFinder, type FindBanned, type Prompt } from "@mjflow/core/banned";
import { MjflowError } from "@mjflow/core/error";
import type { Clock, Log, VendorStore } from "@mjflow/core/port";

export interface BannedWordsCheck {
  /**
   * Before anything is written or paid for it.
   * @throws MjflowError banned_prompt naming the field and, in `extra.bannedWord`, the word; overloaded
   */
  assertAllowed(prompts: readonly Prompt[]): Promise<void>;
  /** Those of the stage's configuration, which no request changes. */
  configured: readonly string[];
  /** The stored list was changed here: it is read anew. */
  clearCache(): void;
}

export interface BannedDeps {
  configured: readonly string[];
  vendorStore: Pick<VendorStore, "bannedList">;
  clock: Clock;
  log: Log;
  /** A changed list is heard of this much later, at most. */
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
      // An older list is better than none, and than no service.
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

/** The whole list, in place of the one before. @throws MjflowError overloaded */
export async function saveBannedWords(deps: BannedAdmin, words: readonly string[]): Promise<BannedList> {
  for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
    const rev = (await deps.vendorStore.bannedList())?.rev ?? 0;
    const list = { rev, words: [...new Set(words)], updatedAt: deps.clock.now() };
    const saved = await deps.vendorStore.saveBannedList(list);
    if (!saved.ok) continue;
    deps.banned.clearCache();
    deps.log.info("banned.saved", { words: list.words.length });
    return saved.item;
  }
  throw new MjflowError("overloaded", { detail: "Somebody else changes the list all the time." });
}
