import type { DeadLetter, Provider, ProviderAccount } from "@mjflow/client";
import { useQuery } from "@tanstack/react-query";
import { isAbsent, told, useAbilities, useAct, useProviders, useUnclear } from "../data.ts";
import { useNow } from "../hook.ts";
import { pressLabel } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { ago } from "../lib/time.ts";
import { Problem } from "../part/problem.tsx";
import { useMjflow } from "../session.ts";

export function HealthPage() {
  return (
    <section className="page">
      <h1>Health</h1>
      <Vendors />
      <Waiting />
      <Letters />
      <Usage />
    </section>
  );
}

function Vendors() {
  const { can } = useAbilities();
  const { data, error } = useProviders();
  if (!can("GET", "/v1/providers") || isAbsent(error)) return null;
  return (
    <section aria-labelledby="vendors">
      <h2 id="vendors">Vendors</h2>
      {error && <Problem error={told(error)} />}
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
        {accounts.map(({ name, callbacks, heardAt, failures, askAt, weight, maxRunning }) => (
          <li key={name}>
            <strong>
              <bdi>{name}</bdi>
            </strong>
            <span className={`status ${CALLS[callbacks]?.[0]}`}>{CALLS[callbacks]?.[1] ?? callbacks}</span>
            <span className="faint">
              {heardAt ? `heard ${ago(heardAt, now)}` : "nothing heard"}
              {accounts.length > 1 && ` · weight ${weight}`}
              {maxRunning !== null && ` · at most ${maxRunning} at a time`}
            </span>
            {failures > 0 && (
              <span className="status bad">
                ✕ could not be asked {failures} times{askAt && `, again at ${askAt.slice(11, 19)} UTC`}
              </span>
            )}
          </li>
        ))}
      </ul>
      {accounts.length === 0 && <p className="faint small">No account.</p>}
    </li>
  );
}

function Waiting() {
  const { unclear, windows, looked } = useUnclear();
  const now = useNow(5_000);
  const found = [...unclear, ...windows];
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">Unclear, or waiting for a person</h2>
      {found.length === 0 && <p className="empty small">None among the {looked} newest flows.</p>}
      <ul className="plain">
        {found.map((task) => (
          <li key={task.id}>
            <a href={hrefOf({ page: "flow", id: task.flowId, task: task.id })}>
              {task.press === null ? task.action.toLowerCase() : pressLabel(task.press)}
            </a>{" "}
            <span className="faint small">
              {task.unclear ? "the vendor may or may not have it" : "asks for a prompt or a region"} ·{" "}
              {ago(task.createdAt, now)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Letters() {
  const mjflow = useMjflow();
  const { data, error, refetch } = useQuery({
    queryKey: ["dead-letters"],
    queryFn: async () => (await mjflow.deadLetters.list().page()).data,
    refetchInterval: 15_000,
  });
  return (
    <section aria-labelledby="letters">
      <h2 id="letters">Dead letters</h2>
      {isAbsent(error) ? (
        <p className="empty small">For the operator's key only.</p>
      ) : (
        error && <Problem error={told(error)} />
      )}
      {data?.length === 0 && <p className="empty small">None: every message could be read.</p>}
      <ul className="deliveries">
        {data?.map((letter) => (
          <Letter key={letter.id} letter={letter} onChanged={() => void refetch()} />
        ))}
      </ul>
    </section>
  );
}

function Letter({ letter, onChanged }: { letter: DeadLetter; onChanged: () => void }) {
  const { deadLetters } = useMjflow();
  const { act, busy, error, clear } = useAct();
  const now = useNow(10_000);
  const { id, state, why, body, receives, createdAt } = letter;
  const doIt = (name: string, work: () => Promise<unknown>) => void act(name, work).then(onChanged);
  return (
    <li className="card delivery">
      <details>
        <summary>
          <span className="break">{why}</span>
          <span className="faint small">
            {ago(createdAt, now)} · received {receives} times
          </span>
          <span className={`status ${state === "kept" ? "ask" : "off"}`}>{state}</span>
        </summary>
        <pre className="code">{body}</pre>
        <Problem error={error} onClose={clear} />
        {state === "kept" && (
          <div className="chips">
            <button type="button" disabled={!!busy} onClick={() => doIt("redrive", () => deadLetters.redrive(id))}>
              Send once more
            </button>
            <button
              type="button"
              className="danger"
              disabled={!!busy}
              onClick={() => doIt("drop", () => deadLetters.drop(id))}
            >
              Let it go
            </button>
          </div>
        )}
      </details>
    </li>
  );
}

interface UsageView {
  balanceUsd: number | null;
  counted: boolean;
  reservedUsd: number;
  settledUsd: number;
  runningFlows: number;
}

function Usage() {
  const mjflow = useMjflow();
  const { data } = useQuery({
    queryKey: ["usage"],
    queryFn: () => mjflow.request<UsageView>({ path: "/v1/usage" }),
    refetchInterval: 15_000,
  });
  if (!data?.counted) return null;
  return (
    <section aria-labelledby="usage">
      <h2 id="usage">Usage</h2>
      <dl className="counts">
        {(
          [
            ["left", data.balanceUsd],
            ["held", data.reservedUsd],
            ["spent", data.settledUsd],
          ] as const
        ).map(([name, usd]) =>
          usd === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>${usd.toFixed(2)}</dd>
            </div>
          ),
        )}
        <div>
          <dt>running flows</dt>
          <dd>{data.runningFlows}</dd>
        </div>
      </dl>
    </section>
  );
}
