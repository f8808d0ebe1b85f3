/** Vendors of this deployment and the health of their accounts. */
import type { Provider, ProviderAccount } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { ago, clock } from "../lib/time.ts";
import { isNotFound, toMjflowError, useApiCapabilities, useProviders } from "../queries.ts";
import { Problem } from "./problem.tsx";

export function VendorList() {
  const { can } = useApiCapabilities();
  const { data, error } = useProviders();
  if (!can("GET", "/v1/providers") || isNotFound(error)) return null;
  return (
    <section aria-labelledby="vendors">
      <h2 id="vendors">Vendors</h2>
      {error && <Problem error={toMjflowError(error)} />}
      <ul className="vendors">
        {data?.map((provider) => (
          <Vendor key={provider.id} provider={provider} />
        ))}
      </ul>
    </section>
  );
}

const CALLS: Record<ProviderAccount["callbacks"], [tone: string, words: string]> = {
  calling: ["ok", "✓ sends callbacks"],
  silent: ["bad", "✕ no callbacks: polled"],
  unknown: ["wait", "○ callbacks unknown"],
};

function Vendor({ provider }: { provider: Provider }) {
  const { id, title, actions, modes, accounts, abilities } = provider;
  const now = useNow(5_000);
  const lacks = [
    ...(abilities.listByCondition ? [] : ["no batch look-up"]),
    ...(abilities.searchByState ? [] : ["no search by state"]),
    ...(abilities.imageLinks === false ? ["no image links"] : []),
    ...(abilities.endOnly && !abilities.lookupProgress ? ["no progress"] : []),
    ...(abilities.idempotencyKey ? ["idempotency key"] : []),
    ...(abilities.unsupportedPresses?.length ? [`no press ${abilities.unsupportedPresses.join(", ")}`] : []),
  ];
  return (
    <li className="card">
      <h3>
        {title} {title !== id && <code className="faint">{id}</code>}
      </h3>
      <p className="faint small">{[actions.join(", "), modes.join(", "), ...lacks].filter(Boolean).join(" · ")}</p>
      <ul className="accounts small">
        {accounts.map((account) => (
          <Account key={account.name} account={account} isOnlyOne={accounts.length === 1} now={now} />
        ))}
      </ul>
      {accounts.length === 0 && <p className="faint small">No account.</p>}
    </li>
  );
}

const FAULTS: Record<NonNullable<ProviderAccount["fault"]>, string> = {
  busy: "the vendor is busy",
  full: "the account is full",
  unclear: "the vendor sends no clear response",
  unauthorized: "the API key is rejected",
  out_of_money: "no credit left",
  unreachable: "the vendor cannot be reached",
};

/** Waiting cannot fix these faults, so no flow fails only to test the account. */
const isPermanent = (fault: ProviderAccount["fault"]) => fault === "unauthorized" || fault === "out_of_money";

function Account({ account, isOnlyOne, now }: { account: ProviderAccount; isOnlyOne: boolean; now: number }) {
  const { name, callbacks, heardAt, failures, askAt, weight, maxRunning, circuit, openUntil, fault, busyUntil } =
    account;
  const { waiting } = account;
  const [tone, words] = CALLS[callbacks] ?? ["wait", callbacks];
  const why = fault ? `: ${FAULTS[fault] ?? fault}` : "";
  return (
    <li>
      <strong>
        <bdi>{name}</bdi>
      </strong>
      <span className={`status ${tone}`}>{words}</span>
      {circuit === "open" && (
        <span className="status bad">
          ✕ circuit open{openUntil && ` until ${clock(openUntil)}`}
          {why}
        </span>
      )}
      {circuit === "half-open" && (
        <span className="status ask">
          ? half-open: {isPermanent(fault) ? "tested by a flow that can move elsewhere" : "one trial flow"}
          {why}
        </span>
      )}
      {busyUntil && <span className="status ask">? full until {clock(busyUntil)}</span>}
      {waiting?.oldestAt && (
        <span className="status ask">
          ? {waiting.count}
          {waiting.atLeast && "+"} waiting, oldest from {ago(waiting.oldestAt, now)}
        </span>
      )}
      {failures > 0 && (
        <span className="status bad">
          ✕ look-up failed {failures} times{askAt && `, next at ${clock(askAt)}`}
        </span>
      )}
      <span className="faint">
        {heardAt ? `last callback ${ago(heardAt, now)}` : "no callback yet"}
        {!isOnlyOne && ` · weight ${weight}`}
        {maxRunning !== null && ` · at most ${maxRunning} at a time`}
      </span>
    </li>
  );
}
