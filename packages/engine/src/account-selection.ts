/**
 * Where work goes: which vendor's account takes a new root, where a root goes on that was not taken, and whose account a
 * task stands at. Branches stay: their buttons belong to the account that made them.
 */
import type { AccountTraits } from "@mjflow/core/account";
import {
  ANY_PROVIDER,
  type Candidate,
  hashToUnitInterval,
  type SelectionCriteria,
  selectAccount,
} from "@mjflow/core/account-selection";
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import type { AccountConfig, Clock, Log, Provider, Providers } from "@mjflow/core/port";
import { canRelocate, isSameAccount } from "@mjflow/core/relocation";
import type { AccountRef } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import type { Accounts } from "./account.ts";

export interface AccountSelectionDeps {
  providers: Providers;
  accounts: Pick<Accounts, "health" | "tryHalfOpen">;
  clock: Clock;
}

/** A task's account, as it was found: it may be taken out of the configuration while it is used. */
export interface AccountHandle {
  provider: Provider;
  config: AccountConfig;
  maxRunning: number | undefined;
}

/** Undefined: there is none, and the table was asked before that was said. @throws MjflowError overloaded */
export async function findAccountOfTask(
  providers: Providers,
  { provider: id, account }: AccountRef,
): Promise<AccountHandle | undefined> {
  const found = (): AccountHandle | undefined => {
    const vendor = providers.get(id);
    const config = vendor?.account(account);
    if (!vendor || !config) return undefined;
    const traits = vendor.accounts().find(({ name }) => name === account);
    return { provider: vendor.provider, config, maxRunning: traits?.maxRunning };
  };
  await providers.refresh?.();
  const at = found();
  if (at) return at;
  await providers.refresh?.("anew");
  return found();
}

// ── new roots ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws MjflowError invalid_request: no such provider, or it cannot do that; with "auto": none can */
export function checkProvider(
  { providers }: Pick<AccountSelectionDeps, "providers">,
  id: string | undefined,
  action: Flow["action"],
): void {
  const wrong = (field: string, detail: string, extra: Record<string, unknown>) =>
    new MjflowError("invalid_request", { field, detail, extra });
  if (id === undefined)
    throw wrong("provider", "is required: this stage has no default", { providers: providers.ids() });
  if (id === ANY_PROVIDER) {
    if (providersSupporting(providers, action).length > 0) return;
    throw wrong("action", `No provider configured here can do "${action}".`, { providers: providers.ids() });
  }
  const known = providers.get(id);
  if (!known) throw wrong("provider", "No such provider is configured.", { providers: providers.ids() });
  const { rootActions } = known.provider.capabilities;
  if (!rootActions.includes(action)) throw wrong("action", `${id} cannot do "${action}".`, { actions: rootActions });
}

function providersSupporting(providers: Providers, action: Flow["action"]): string[] {
  return providers.ids().filter((id) => providers.get(id)!.provider.capabilities.rootActions.includes(action));
}

/**
 * The same for the same flow, as long as the accounts stand as they do: a request that comes again is sent where the first
 * would have gone.
 *
 * @throws MjflowError invalid_request naming the field; overloaded
 */
export async function selectRootAccount(
  deps: AccountSelectionDeps,
  criteria: { provider: string | undefined; action: Flow["action"]; flowId: string; allowOpen: boolean },
): Promise<AccountRef & { anyProvider: boolean }> {
  const { provider, action, flowId, allowOpen: brave } = criteria;
  await deps.providers.refresh?.();
  checkProvider(deps, provider, action);
  const roams = provider === ANY_PROVIDER;
  const open = accountsOf(deps, roams ? providersSupporting(deps.providers, action) : [provider!]);
  const place = await selectFrom(deps, open, {
    chance: hashToUnitInterval(flowId),
    now: deps.clock.now(),
    allowOpenBreaker: brave,
  });
  if (!place) {
    throw new MjflowError("invalid_request", { field: "provider", detail: "Its accounts get no new work at present." });
  }
  return { ...place, anyProvider: roams };
}

// ── roots that were not taken ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Where a root that its account has no room for would be taken at once; undefined: it waits where it is. Never throws: it
 * is asked while an answer of the vendor is still to be stored.
 */
export async function findFreeAccount(
  deps: AccountSelectionDeps & { log: Log },
  flow: Flow,
  task: Task,
): Promise<AccountRef | undefined> {
  if (!canRelocate(task)) return undefined;
  const ids = flow.anyProvider ? providersSupporting(deps.providers, flow.action) : [task.provider];
  return logAndIgnoreErrors(deps, task, () =>
    selectFrom(deps, otherAccounts(deps, ids, task), { ...criteriaFor(deps, task), availableOnly: true }),
  );
}

/**
 * Where a root goes on whose vendor is lost, should its app want that: to another account of the same vendor, else to
 * another vendor. Undefined: it ends. Never throws.
 */
export async function findFailoverAccount(
  deps: AccountSelectionDeps & { log: Log },
  flow: Flow,
  task: Task,
): Promise<AccountRef | undefined> {
  if (flow.onVendorLoss !== "restart" || !canRelocate(task)) return undefined;
  return logAndIgnoreErrors(deps, task, () => selectFailoverAccount(deps, flow, task));
}

/** Another account of the same vendor, else another vendor, for what that task's account can no longer do. */
export async function selectFailoverAccount(
  deps: AccountSelectionDeps,
  flow: Flow,
  task: Task,
): Promise<AccountRef | undefined> {
  const criteria = { ...criteriaFor(deps, task), allowOpenBreaker: true, excludeLost: true };
  const same = flow.anyProvider || !deps.providers.get(task.provider) ? [] : otherAccounts(deps, [task.provider], task);
  const near = await selectFrom(deps, same, { ...criteria, availableOnly: true });
  return (
    near ?? selectFrom(deps, otherAccounts(deps, providersSupporting(deps.providers, flow.action), task), criteria)
  );
}

function criteriaFor(
  { clock }: AccountSelectionDeps,
  { flowId, attempt, previousLocations = [] }: Task,
): SelectionCriteria {
  return { chance: hashToUnitInterval(`${flowId} ${attempt} ${previousLocations.length}`), now: clock.now() };
}

async function logAndIgnoreErrors<T>(
  { log }: { log: Log },
  task: Task,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return work().catch((error: unknown) => {
    log.warn("route.undecided", { flow: task.flowId, error: String(error) });
    return undefined;
  });
}

// ── choosing ───────────────────────────────────────────────────────────────────────────────────────────────────────

type NamedAccount = AccountTraits & { provider: string };

function accountsOf({ providers }: Pick<AccountSelectionDeps, "providers">, ids: readonly string[]): NamedAccount[] {
  return ids.flatMap((provider) => {
    const traits = providers.get(provider)?.accounts() ?? [];
    return traits.filter(({ weight }) => weight > 0).map((account) => ({ ...account, provider }));
  });
}

function otherAccounts(deps: AccountSelectionDeps, ids: readonly string[], task: Task): NamedAccount[] {
  return accountsOf(deps, ids).filter(({ provider, name }) => !isSameAccount({ provider, account: name }, task));
}

/** Where there is nothing to choose, nothing is read. */
async function selectFrom(
  deps: AccountSelectionDeps,
  accounts: readonly NamedAccount[],
  criteria: SelectionCriteria,
): Promise<AccountRef | undefined> {
  const [only, another] = accounts;
  if (only && !another && !criteria.availableOnly && !criteria.excludeLost)
    return { provider: only.provider, account: only.name };
  let candidates: Candidate[] = await Promise.all(
    accounts.map(async ({ provider, name: account, weight }) => {
      return { provider, account, weight, breaker: await deps.accounts.health(provider, account) };
    }),
  );
  for (;;) {
    const chosen = selectAccount(candidates, criteria);
    if (!chosen) return undefined;
    const { provider, account, breaker } = chosen;
    const isHalfOpen = breaker.openUntil !== undefined && breaker.openUntil <= criteria.now;
    if (!isHalfOpen || candidates.length === 1 || (await deps.accounts.tryHalfOpen(provider, account))) {
      return { provider, account };
    }
    // Somebody else tries it; it is not tried twice at once.
    candidates = candidates.filter((candidate) => candidate !== chosen);
  }
}
