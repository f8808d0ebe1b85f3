/**
 * Account selection: the vendor account for a new root, the next account for a root that no vendor accepted, and the
 * account of an existing task. Branches keep their account, because their buttons belong to the account that created
 * them.
 */
import type { AccountTraits } from "@mjflow/core/account";
import {
  ANY_PROVIDER,
  type Candidate,
  hashToUnitInterval,
  type SelectionCriteria,
  selectAccount,
} from "@mjflow/core/account-selection";
import { isPermanentFault, isProvedByLookup } from "@mjflow/core/circuit-breaker";
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import {
  type AccountConfig,
  type Clock,
  type Log,
  LookupError,
  type Provider,
  type Providers,
} from "@mjflow/core/port";
import { canRelocate, isSameAccount } from "@mjflow/core/relocation";
import type { AccountRef } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { findUnmetNeed, type VendorNeeds } from "@mjflow/core/vendor-needs";
import { tooLarge } from "../create/input-image.ts";
import type { Accounts } from "./account.ts";

export interface AccountSelectionDeps {
  providers: Providers;
  accounts: Pick<Accounts, "health" | "healths" | "tryHalfOpen" | "recordOutcome">;
  clock: Clock;
}

/** The account of a task as it was found. The caller keeps this handle even if the account is removed meanwhile. */
export interface AccountHandle {
  provider: Provider;
  config: AccountConfig;
  maxRunning: number | undefined;
}

/**
 * Returns undefined if the account does not exist, after reading the table once more.
 * @throws MjflowError `overloaded`
 */
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
  const handle = found();
  if (handle) return handle;
  await providers.refresh?.("force");
  return found();
}

// ── new roots ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * @throws MjflowError `invalid_request` if the provider is unknown or does not support the action; with "auto": if no
 *   provider supports it. `image_rejected` if the images are too large for a vendor that takes no links. `press_unsupported` with field, press and provider if the plan has a press that
 *   the vendor can never make
 */
export function checkProvider(
  { providers }: Pick<AccountSelectionDeps, "providers">,
  id: string | undefined,
  needs: VendorNeeds,
): void {
  const wrong = (field: string, detail: string, extra: Record<string, unknown>) =>
    new MjflowError("invalid_request", { field, detail, extra });
  if (id === undefined)
    throw wrong("provider", "is required: this stage has no default", { providers: providers.ids() });
  const isAny = id === ANY_PROVIDER;
  if (!isAny && !providers.get(id)) {
    throw wrong("provider", "No such provider is configured.", { providers: providers.ids() });
  }
  const unmet = (isAny ? providers.ids() : [id]).map((each) => {
    const { capabilities } = providers.get(each)!.provider;
    return { provider: each, capabilities, need: findUnmetNeed(needs, capabilities) };
  });
  if (unmet.some(({ need }) => need === undefined)) return;
  // With "auto" several vendors lack something. The error names what one of those lacks that support the action.
  const { provider, capabilities, need } = unmet.find((each) => each.need?.kind !== "action") ?? unmet[0] ?? {};
  const others = { provider, providers: providersMeeting(providers, needs) };
  const hint = `${isAny ? " No provider configured here supports all of this request." : ""} ${whoMeets(providers, needs)}`;
  if (need?.kind === "press") {
    const { field, press } = need;
    const detail = `${field}: ${provider} can never press "${press}".${hint}`;
    throw new MjflowError("press_unsupported", { field, detail, extra: { press, ...others } });
  }
  if (need?.kind === "links") throw tooLarge(need.field, ` ${provider} takes no links.${hint}`, others);
  if (need?.kind === "data") {
    const detail = `${need.field}: ${provider} takes only links for "${needs.action}". Send a link or an upload.${hint}`;
    throw wrong(need.field, detail, others);
  }
  if (need?.kind === "mode") {
    throw wrong("mode", `mode: ${provider} has no mode "${need.mode}".${hint}`, {
      modes: capabilities?.modes,
      ...others,
    });
  }
  if (need?.kind === "field") {
    throw wrong(need.field, `${need.field}: ${provider} has no such field.${hint}`, others);
  }
  if (need?.kind === "prompt") {
    throw wrong("prompt", `prompt: ${provider} requires a prompt for "${needs.action}".${hint}`, others);
  }
  if (isAny) {
    const detail = `No provider configured here can do "${needs.action}". ${whoMeets(providers, needs)}`;
    throw wrong("action", detail, { providers: providers.ids() });
  }
  const detail = `${id} cannot do "${needs.action}". ${whoMeets(providers, needs)}`;
  throw wrong("action", detail, { actions: capabilities?.rootActions, providers: others.providers });
}

/** Names the configured providers that meet the needs; if none does, the vendors that would. */
function whoMeets(providers: Providers, needs: VendorNeeds): string {
  const here = providersMeeting(providers, needs);
  if (here.length > 0) return `Configured providers that can: ${here.join(", ")}.`;
  const known = (providers.known?.() ?? []).filter(({ capabilities }) => !findUnmetNeed(needs, capabilities));
  return known.length > 0
    ? `Vendors that can: ${known.map(({ id }) => id).join(", ")}.`
    : "No vendor that mjflow knows can.";
}

function providersMeeting(providers: Providers, needs: VendorNeeds): string[] {
  return providers.ids().filter((id) => findUnmetNeed(needs, providers.get(id)!.provider.capabilities) === undefined);
}

/** What the plan and the images of a stored root need of a vendor. */
function needsOf(flow: Flow, { then, linkField, optionalFields, inputsRef }: Task): VendorNeeds {
  const { action, mode, prompt } = flow;
  // Inputs without a link are data URIs. They may be masks of the plan alone: then a vendor that takes only links is left out.
  const dataField = inputsRef !== undefined && linkField === undefined ? "base64Array[0]" : undefined;
  return { action, then, linkField, dataField, mode, optionalFields, hasPrompt: (prompt ?? "").trim() !== "" };
}

/**
 * Selects the account of a new root. The same flow id gives the same account while the accounts do not change, so a
 * repeated request goes to the account of the first one.
 *
 * @throws MjflowError `invalid_request` or `press_unsupported` with the field; `overloaded`
 */
export async function selectRootAccount(
  deps: AccountSelectionDeps,
  criteria: {
    provider: string | undefined;
    needs: VendorNeeds;
    /** With "auto": needs of which accounts are chosen first. Unset: `needs`. */
    preferred?: VendorNeeds;
    flowId: string;
    allowOpen: boolean;
  },
): Promise<AccountRef & { anyProvider: boolean }> {
  const { provider, needs, preferred = needs, flowId, allowOpen } = criteria;
  await deps.providers.refresh?.();
  checkProvider(deps, provider, needs);
  const anyProvider = provider === ANY_PROVIDER;
  const meeting = (some: VendorNeeds) => accountsOf(deps, providersMeeting(deps.providers, some));
  const best = anyProvider ? meeting(preferred) : [];
  const eligible = best.length > 0 ? best : anyProvider ? meeting(needs) : accountsOf(deps, [provider!]);
  const selected = await selectFrom(deps, eligible, {
    chance: hashToUnitInterval(flowId),
    now: deps.clock.now(),
    allowOpenBreaker: allowOpen,
  });
  if (!selected) {
    throw new MjflowError("invalid_request", {
      field: "provider",
      detail: "No account of this provider accepts new flows now (weight 0).",
    });
  }
  return { ...selected, anyProvider };
}

// ── roots that no vendor accepted ──────────────────────────────────────────────────────────────────────────────────

/**
 * Returns another account with free capacity for a root whose account has none; undefined: the root waits at its
 * account. Never throws, because the caller has not stored the vendor's outcome yet.
 *
 * @param hasRoom true if a task could be submitted at the account now. Health does not say that tasks wait for an account, or
 *   that many workers call it. Two such accounts would send a root to each other, each time for two writes.
 */
export async function findFreeAccount(
  deps: AccountSelectionDeps & { log: Log },
  flow: Flow,
  task: Task,
  hasRoom: (account: AccountRef, maxRunning: number | undefined) => Promise<boolean>,
): Promise<AccountRef | undefined> {
  if (!canRelocate(task)) return undefined;
  const ids = flow.anyProvider ? providersMeeting(deps.providers, needsOf(flow, task)) : [task.provider];
  const others = otherAccounts(deps, ids, task);
  const maxRunningOf = (ref: AccountRef) => others.find((each) => isSameAccount({ ...each, account: each.name }, ref));
  return logAndIgnoreErrors(deps, task, () =>
    selectFrom(deps, others, { ...criteriaFor(deps, task), availableOnly: true }, (ref) =>
      hasRoom(ref, maxRunningOf(ref)?.maxRunning),
    ),
  );
}

/**
 * Returns the account where a root continues after a vendor loss, if the app requested that: another account of the
 * same vendor, or else another vendor. Undefined: the root ends. Never throws.
 */
export async function findFailoverAccount(
  deps: AccountSelectionDeps & { log: Log },
  flow: Flow,
  task: Task,
): Promise<AccountRef | undefined> {
  if (flow.onVendorLoss !== "restart" || !canRelocate(task)) return undefined;
  return logAndIgnoreErrors(deps, task, () => selectFailoverAccount(deps, flow, task, task));
}

/**
 * Selects another account of the same vendor, or else another vendor, after the account of the task was lost.
 * @param root root of the flow, whose plan and images the other vendor must support
 */
export async function selectFailoverAccount(
  deps: AccountSelectionDeps,
  flow: Flow,
  task: Task,
  root: Task,
): Promise<AccountRef | undefined> {
  const criteria = { ...criteriaFor(deps, task), allowOpenBreaker: true, excludeLost: true };
  const same = flow.anyProvider || !deps.providers.get(task.provider) ? [] : otherAccounts(deps, [task.provider], task);
  const sameVendor = await selectFrom(deps, same, { ...criteria, availableOnly: true });
  return (
    sameVendor ??
    selectFrom(deps, otherAccounts(deps, providersMeeting(deps.providers, needsOf(flow, root)), task), criteria)
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
    log.warn("account-selection.failed", { flow: task.flowId, error: String(error) });
    return undefined;
  });
}

// ── selection ──────────────────────────────────────────────────────────────────────────────────────────────────────

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

/** Accounts of which a worker reads whether they have room, when it looks for another one. */
const MAX_LOOKS = 3;

/**
 * If only one account is possible, nothing is read.
 * @param hasRoom unset: the account need not have room
 */
async function selectFrom(
  deps: AccountSelectionDeps,
  accounts: readonly NamedAccount[],
  criteria: SelectionCriteria,
  hasRoom?: (account: AccountRef) => Promise<boolean>,
): Promise<AccountRef | undefined> {
  const [only, another] = accounts;
  if (only && !another && !criteria.availableOnly && !criteria.excludeLost)
    return { provider: only.provider, account: only.name };
  const healths = await deps.accounts.healths(accounts.map(({ provider, name }) => ({ provider, account: name })));
  let candidates: Candidate[] = accounts.map(({ provider, name: account, weight }, i) => {
    return { provider, account, weight, breaker: healths[i]! };
  });
  for (let looks = 0; ; ) {
    const chosen = selectAccount(candidates, criteria);
    if (!chosen) return undefined;
    const { provider, account, breaker } = chosen;
    // Before the trial, because only one root can make it.
    if (hasRoom && !(await hasRoom({ provider, account }))) {
      if (++looks === MAX_LOOKS) return undefined;
      candidates = candidates.filter((candidate) => candidate !== chosen);
      continue;
    }
    const isHalfOpen = breaker.openUntil !== undefined && breaker.openUntil <= criteria.now;
    if (!isHalfOpen || candidates.length === 1 || (await startTrial(deps, chosen, criteria))) {
      return { provider, account };
    }
    // Another worker has started the trial, or the account still fails. A half-open account gets one trial at a time.
    candidates = candidates.filter((candidate) => candidate !== chosen);
  }
}

/**
 * Starts the trial of a half-open account. If a task id of the account is known, a free look-up comes first, so that no
 * flow of a customer fails only to test the account.
 *
 * @returns true if the account may get this root
 */
async function startTrial(
  deps: AccountSelectionDeps,
  { provider, account, breaker }: Candidate,
  { allowOpenBreaker = false }: SelectionCriteria,
): Promise<boolean> {
  if (!(await deps.accounts.tryHalfOpen(provider, account))) return false;
  const { probeId, fault } = breaker;
  const result = probeId === undefined ? "unknown" : await probe(deps, { provider, account }, probeId);
  if (result === "fails") {
    await deps.accounts.recordOutcome(provider, account, { fault: fault ?? "unclear" });
    return false;
  }
  // The look-up answers whether the key is valid and the vendor can be reached, and nothing about credit or capacity.
  if (result === "works" && isProvedByLookup(fault)) await deps.accounts.recordOutcome(provider, account, "worked");
  return result === "works" ? isProvedByLookup(fault) || !isPermanentFault(fault) || allowOpenBreaker : true;
}

/** @returns `unknown` if the look-up failed for a reason that says nothing about a submission */
async function probe(
  { providers }: AccountSelectionDeps,
  { provider: id, account }: AccountRef,
  probeId: string,
): Promise<"works" | "fails" | "unknown"> {
  const vendor = providers.get(id);
  const config = vendor?.account(account);
  if (!vendor || !config) return "unknown";
  try {
    await vendor.provider.lookup([probeId], config);
    return "works";
  } catch (error) {
    return error instanceof LookupError && (error.unauthorized || error.unreachable) ? "fails" : "unknown";
  }
}
