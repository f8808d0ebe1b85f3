/** The stage's vendors, and how each of its accounts stands. */
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
  calling: ["ok", "✓ calls back"],
  silent: ["bad", "✕ never calls: asked instead"],
  unknown: ["wait", "○ not known yet"],
};

function Vendor({ provider }: { provider: Provider }) {
  const { id, title, actions, modes, accounts, abilities } = provider;
  const now = useNow(5_000);
  const lacks = [
    ...(abilities.listByCondition ? [] : ["no look-ups in batches"]),
    ...(abilities.searchByState ? [] : ["no search by state"]),
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
  busy: "it is busy",
  full: "it is full",
  unclear: "its answers do not come",
  unauthorized: "its key is refused",
  out_of_money: "its credit is spent",
};

function Account({ account, isOnlyOne, now }: { account: ProviderAccount; isOnlyOne: boolean; now: number }) {
  const { name, callbacks, heardAt, failures, askAt, weight, maxRunning, circuit, openUntil, fault, busyUntil } =
    account;
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
          ✕ no new flows{openUntil && ` before ${clock(openUntil)}`}
          {why}
        </span>
      )}
      {circuit === "half-open" && <span className="status ask">? on trial with one flow{why}</span>}
      {busyUntil && <span className="status ask">? full until {clock(busyUntil)}</span>}
      {failures > 0 && (
        <span className="status bad">
          ✕ could not be asked {failures} times{askAt && `, again at ${clock(askAt)}`}
        </span>
      )}
      <span className="faint">
        {heardAt ? `heard ${ago(heardAt, now)}` : "nothing heard"}
        {!isOnlyOne && ` · weight ${weight}`}
        {maxRunning !== null && ` · at most ${maxRunning} at a time`}
      </span>
    </li>
  );
}
