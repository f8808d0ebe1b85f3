/** The view of providers and accounts for apps. It never contains an API key, nor a URL, which may contain one. */
import type { AccountTraits } from "@mjflow/core/account";
import { type AccountHealth, newHealth } from "@mjflow/core/account-health";
import { hoursOf } from "@mjflow/core/account-hours";
import { breakerStateOf } from "@mjflow/core/circuit-breaker";
import { isoOf } from "../date.ts";
import type { EngineDeps } from "../deps.ts";
import { accountRefs, lengthOfWaitList, type WaitListLength } from "../submit/wait-place.ts";

/** Abilities of a provider that does not tell them. */
const UNTOLD = {
  modalPresses: null,
  dataOnly: [],
  linksOnly: [],
  endOnly: false,
  lookupProgress: false,
  separateImages: false,
  idempotencyKey: false,
  masks: "image",
} as const;

const NONE_WAITING: WaitListLength = { count: 0, atLeast: false, oldestAt: undefined };

/**
 * Lists all providers, in the form of `Provider` in core/response.ts, which describes the fields. Branches continue in every
 * state of the circuit breaker. The health of all accounts is read together, and a wait list only if tasks may be in it.
 */
export async function listProviders({ providers, store, clock }: Pick<EngineDeps, "providers" | "store" | "clock">) {
  await providers.refresh?.();
  const now = clock.now();
  const accountsOf = (id: string) => providers.get(id)!.accounts();
  const all = accountRefs(providers);
  const [healths, lists] = await Promise.all([store.healths(all), store.waitLists(all)]);
  const found = new Map(healths.map((health) => [`${health.provider}/${health.account}`, health]));
  const used = lists.filter(({ since }) => since !== undefined);
  const waiting = new Map<string, WaitListLength>(
    await Promise.all(
      used.map(async (list) => [`${list.provider}/${list.account}`, await lengthOfWaitList(store, list)] as const),
    ),
  );
  return providers.ids().map((id) => {
    const { provider } = providers.get(id)!;
    const { rootActions: actions, modes, instantActions: _, ...told } = provider.capabilities;
    const abilities = { ...UNTOLD, ...told };
    const known = accountsOf(id).map((traits) => {
      const key = `${id}/${traits.name}`;
      const health = found.get(key) ?? newHealth(id, traits.name, now);
      return accountView(traits, { health, waiting: waiting.get(key) ?? NONE_WAITING }, now);
    });
    return { id, title: provider.title, actions, modes, abilities, accounts: known };
  });
}

function accountView(
  { name, weight, maxRunning, simulated }: AccountTraits,
  { health, waiting }: { health: AccountHealth; waiting: WaitListLength },
  now: number,
) {
  const circuit = breakerStateOf(health, now);
  const after = (at: number | undefined) => isoOf(at !== undefined && at > now ? at : undefined);
  return {
    name,
    weight,
    maxRunning: maxRunning ?? null,
    simulated: simulated === true,
    callbacks: health.callbacks,
    heardAt: isoOf(health.heardAt),
    failures: health.failures,
    askAt: isoOf(health.askAt),
    lookupFault: health.lookupFault ?? null,
    circuit,
    openUntil: after(health.openUntil),
    fault: health.fault ?? null,
    busyUntil: after(Math.max(health.busyUntil ?? 0, health.fullUntil ?? 0)),
    waiting: { ...waiting, oldestAt: isoOf(waiting.oldestAt) },
    hours: hoursOf(health.durations?.hours, now).map(({ at, succeeded, failed, meanMs }) => ({
      at: isoOf(at),
      succeeded,
      failed,
      meanMs: succeeded > 0 ? meanMs : null,
    })),
  };
}
