/** What an app may know of the stage's vendors: never a key, nor an address that might hold one. */
import type { AccountTraits } from "@mjflow/core/account";
import type { Mode, RootAction } from "@mjflow/core/flow";
import type { AccountHealth, Callbacks } from "@mjflow/core/health";
import type { Deps } from "./deps.ts";

export interface ProviderView {
  id: string;
  title: string;
  actions: readonly RootAction[];
  modes: readonly Mode[];
  abilities: {
    /** Documented, or seen, to call back; unknown is learned for each account. */
    notifyHook: "documented" | "unknown";
    listByCondition: boolean;
    searchByState: boolean;
    seed: boolean;
  };
  accounts: AccountView[];
}

export interface AccountView {
  name: string;
  /** Its share of new flows beside the others'; 0: none. */
  weight: number;
  maxRunning: number | null;
  /** Whether it calls back, from what really arrived. */
  callbacks: Callbacks;
  heardAt: string | null;
  /** Look-ups that failed in a row, and when it is asked again. */
  failures: number;
  askAt: string | null;
}

/** One small read for each account. */
export async function listProviders({ providers, store }: Pick<Deps, "providers" | "store">): Promise<ProviderView[]> {
  await providers.fresh?.();
  return Promise.all(
    providers.ids().map(async (id) => {
      const { provider, accounts } = providers.get(id)!;
      const { notifyHook, listByCondition, searchByState, seed, rootActions: actions, modes } = provider.abilities;
      const abilities = { notifyHook, listByCondition, searchByState, seed };
      const known = accounts().map(async (traits) => accountView(traits, await store.health(id, traits.name)));
      return { id, title: provider.title, actions, modes, abilities, accounts: await Promise.all(known) };
    }),
  );
}

function accountView({ name, weight, maxRunning }: AccountTraits, health: AccountHealth | undefined): AccountView {
  return {
    name,
    weight,
    maxRunning: maxRunning ?? null,
    callbacks: health?.callbacks ?? "unknown",
    heardAt: time(health?.heardAt),
    failures: health?.failures ?? 0,
    askAt: time(health?.askAt),
  };
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
