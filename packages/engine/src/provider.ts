/** What an app may know of the stage's vendors: never a key, nor an address that might hold one. */
import type { AccountTraits } from "@mjflow/core/account";
import { type AccountHealth, type CallbackBehavior, newHealth } from "@mjflow/core/account-health";
import { type BreakerState, breakerStateOf, type Fault } from "@mjflow/core/circuit-breaker";
import type { Mode, RootAction } from "@mjflow/core/flow";
import type { EngineDeps } from "./deps.ts";

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
  callbacks: CallbackBehavior;
  heardAt: string | null;
  /** Look-ups that failed in a row, and when it is asked again. */
  failures: number;
  askAt: string | null;
  /** Whether it gets new flows: open, it gets none for a while; half-open, one, to see. Branches go on all the same. */
  circuit: BreakerState;
  /** Open until then. */
  openUntil: string | null;
  /** What spoke against it last. */
  fault: Fault | null;
  /** No room for new flows until then, as it said itself, or by our cap. */
  busyUntil: string | null;
}

/** One small read for each account. */
export async function listProviders({
  providers,
  store,
  clock,
}: Pick<EngineDeps, "providers" | "store" | "clock">): Promise<ProviderView[]> {
  await providers.refresh?.();
  const now = clock.now();
  return Promise.all(
    providers.ids().map(async (id) => {
      const { provider, accounts } = providers.get(id)!;
      const { notifyHook, listByCondition, searchByState, seed, rootActions: actions, modes } = provider.capabilities;
      const abilities = { notifyHook, listByCondition, searchByState, seed };
      const known = accounts().map(async (traits) => {
        return accountView(traits, (await store.health(id, traits.name)) ?? newHealth(id, traits.name, now), now);
      });
      return { id, title: provider.title, actions, modes, abilities, accounts: await Promise.all(known) };
    }),
  );
}

function accountView({ name, weight, maxRunning }: AccountTraits, health: AccountHealth, now: number): AccountView {
  const circuit = breakerStateOf(health, now);
  const after = (at: number | undefined) => time(at !== undefined && at > now ? at : undefined);
  return {
    name,
    weight,
    maxRunning: maxRunning ?? null,
    callbacks: health.callbacks,
    heardAt: time(health.heardAt),
    failures: health.failures,
    askAt: time(health.askAt),
    circuit,
    openUntil: after(health.openUntil),
    fault: health.fault ?? null,
    busyUntil: after(health.busyUntil),
  };
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
