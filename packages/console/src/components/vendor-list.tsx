/** Vendors of this deployment and the health of their accounts. */
import type { Provider, ProviderAccount } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { Rich } from "../kit/rich.tsx";
import { actionLabel, speedLabel } from "../lib/press.ts";
import { ago, clock } from "../lib/time.ts";
import { isNotFound, toMjflowError, useApiCapabilities, useProviders, useSimulated } from "../queries.ts";
import { t } from "../text/page-text.ts";
import { HourColumns } from "./hour-columns.tsx";
import { Problem } from "./problem.tsx";

export function VendorList() {
  const { can } = useApiCapabilities();
  const { data, error } = useProviders();
  if (!can("GET", "/v1/providers") || isNotFound(error)) return null;
  return (
    <section aria-labelledby="vendors">
      <h2 id="vendors">{t.health.vendors}</h2>
      {error && <Problem error={toMjflowError(error)} />}
      <ul className="vendors">
        {data?.map((provider) => (
          <Vendor key={provider.id} provider={provider} />
        ))}
      </ul>
    </section>
  );
}

const CALLBACK_TONES: Record<ProviderAccount["callbacks"], string> = { calling: "ok", silent: "bad", unknown: "wait" };

function Vendor({ provider }: { provider: Provider }) {
  const { id, title, actions, modes, accounts, abilities } = provider;
  const now = useNow(5_000);
  const isSimulated = useSimulated()(id);
  const missing = abilities.unsupportedPresses ?? [];
  const lacks = [
    ...(abilities.listByCondition ? [] : [t.health.lacks.batch]),
    ...(abilities.searchByState ? [] : [t.health.lacks.search]),
    ...(abilities.imageLinks === false ? [t.health.lacks.images] : []),
    ...(abilities.endOnly && !abilities.lookupProgress ? [t.health.lacks.progress] : []),
    ...(abilities.idempotencyKey ? [t.health.hasIdempotencyKey] : []),
  ];
  return (
    <li className="card">
      <h3>
        <bdi>{title}</bdi> {title !== id && <code className="faint">{id}</code>}{" "}
        {isSimulated && <span className="tag simulated">{t.common.simulated}</span>}
      </h3>
      <p className="faint small">
        {[actions.map(actionLabel).join(", "), modes.map(speedLabel).join(", "), ...lacks].filter(Boolean).join(" · ")}
        {missing.length > 0 && (
          <>
            {" · "}
            <Rich text={t.health.lacks.presses} parts={{ names: <bdi>{missing.join(", ")}</bdi> }} />
          </>
        )}
      </p>
      <ul className="accounts small">
        {accounts.map((account) => (
          <Account key={account.name} account={account} isOnlyOne={accounts.length === 1} now={now} />
        ))}
      </ul>
      {accounts.length === 0 && <p className="faint small">{t.health.noAccount}</p>}
    </li>
  );
}

/** Waiting cannot fix these faults, so no flow fails only to test the account. */
const isPermanent = (fault: ProviderAccount["fault"]) => fault === "unauthorized" || fault === "out_of_money";

function Account({ account, isOnlyOne, now }: { account: ProviderAccount; isOnlyOne: boolean; now: number }) {
  const { name, callbacks, heardAt, failures, askAt, weight, maxRunning, circuit, openUntil, fault, busyUntil } =
    account;
  const { waiting, hours } = account;
  const why = fault ? (t.health.faults[fault] ?? fault) : "";
  return (
    <li>
      <strong>
        <bdi>{name}</bdi>
      </strong>
      <span className={`status ${CALLBACK_TONES[callbacks] ?? "wait"}`}>
        {t.health.callbacks[callbacks] ?? callbacks}
      </span>
      {circuit === "open" && (
        <span className="status bad">✕ {t.health.circuitOpen(openUntil ? clock(openUntil) : undefined, why)}</span>
      )}
      {circuit === "half-open" && <span className="status ask">? {t.health.halfOpen(isPermanent(fault), why)}</span>}
      {busyUntil && <span className="status ask">? {t.health.fullUntil(clock(busyUntil))}</span>}
      {waiting?.oldestAt && (
        <span className="status ask">
          ? {t.health.waitingFrom(`${waiting.count}${waiting.atLeast ? "+" : ""}`, ago(waiting.oldestAt, now))}
        </span>
      )}
      {failures > 0 && (
        <span className="status bad">✕ {t.health.lookupsFailed(failures, askAt ? clock(askAt) : undefined)}</span>
      )}
      <span className="faint">
        {heardAt ? t.health.lastCallback(ago(heardAt, now)) : t.health.noCallback}
        {!isOnlyOne && ` · ${t.health.weight(weight)}`}
        {maxRunning !== null && ` · ${t.health.atMost(maxRunning)}`}
      </span>
      {hours && <HourColumns hours={hours} />}
    </li>
  );
}
