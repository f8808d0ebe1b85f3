/** The view of providers and accounts for apps. It never contains an API key, nor a URL, which may contain one. */
import type { AccountTraits } from "@mjflow/core/account";
import { type AccountHealth, type CallbackBehavior, type LookupFault, newHealth } from "@mjflow/core/account-health";
import { type BreakerState, breakerStateOf, type Fault } from "@mjflow/core/circuit-breaker";
import type { Mode, RootAction } from "@mjflow/core/flow";
import type { OptionalField } from "@mjflow/core/root-action";
import { isoOf } from "../date.ts";
import type { EngineDeps } from "../deps.ts";
import { accountRefs, lengthOfWaitList, type WaitListLength } from "../submit/wait-place.ts";

export interface ProviderView {
  id: string;
  title: string;
  actions: readonly RootAction[];
  modes: readonly Mode[];
  abilities: {
    /**
     * "documented": the vendor documents callbacks or was seen to send them. "unknown": mjflow observes each account.
     */
    notifyHook: "documented" | "unknown";
    listByCondition: boolean;
    searchByState: boolean;
    seed: boolean;
    /** Whether image fields, and the two images of a face swap, may be links. */
    imageLinks: boolean;
    swapLinks: boolean;
    /** Fields of videos and edits that the vendor supports, of those that not every vendor has. */
    optionalFields: readonly OptionalField[];
    /** Root actions that need a prompt at this vendor, although others make them without. */
    promptActions: readonly RootAction[];
    /** Whether presses may have prompts. */
    modals: boolean;
    /** Presses that can have a modal answer; null: each press that can open a modal. */
    modalPresses: readonly string[] | null;
    /** Press names, or first parts of press names, that this vendor can never make. */
    unsupportedPresses: readonly string[];
    /** Root actions whose images must be data URIs, and those whose images must be links. */
    dataOnly: readonly RootAction[];
    linksOnly: readonly RootAction[];
    /** Whether the vendor sends one callback, at the end. */
    endOnly: boolean;
    /** Whether look-ups tell the progress of a running task. */
    lookupProgress: boolean;
    /** Whether a grid comes with its pictures as separate images. */
    separateImages: boolean;
    /** Whether the vendor makes one task of all requests with the same key. */
    idempotencyKey: boolean;
    masks: "image" | "webp" | "polygons";
  };
  accounts: AccountView[];
}

export interface AccountView {
  name: string;
  /** Share of new flows relative to the other accounts; 0: no new flows. */
  weight: number;
  maxRunning: number | null;
  /** Whether the account sends callbacks, as observed. */
  callbacks: CallbackBehavior;
  heardAt: string | null;
  /** Number of failed look-ups in a row, and the time of the next look-up; null if look-ups are not paused. */
  failures: number;
  askAt: string | null;
  /** Why the last look-up failed; null if it worked. */
  lookupFault: LookupFault | null;
  /**
   * State of the circuit breaker. Open: no new flows. Half-open: one flow at a time tests it; after a permanent fault only one that
   * can move to another account. Branches continue in every state.
   */
  circuit: BreakerState;
  /** End of the open state; null if the breaker is not open. */
  openUntil: string | null;
  /** The last fault; null if there is none. */
  fault: Fault | null;
  /** No new flows before this time, because the vendor was busy or our concurrency limit is reached; null if none. */
  busyUntil: string | null;
  /**
   * The wait list of the account. `atLeast`: more than `count` tasks may wait. `oldestAt`: when the oldest one was created;
   * null if no task waits.
   */
  waiting: { count: number; atLeast: boolean; oldestAt: string | null };
}

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

/** Lists all providers. The health of all accounts is read together, and a wait list only if tasks may be in it. */
export async function listProviders({
  providers,
  store,
  clock,
}: Pick<EngineDeps, "providers" | "store" | "clock">): Promise<ProviderView[]> {
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
  { name, weight, maxRunning }: AccountTraits,
  { health, waiting }: { health: AccountHealth; waiting: WaitListLength },
  now: number,
): AccountView {
  const circuit = breakerStateOf(health, now);
  const after = (at: number | undefined) => isoOf(at !== undefined && at > now ? at : undefined);
  return {
    name,
    weight,
    maxRunning: maxRunning ?? null,
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
  };
}
