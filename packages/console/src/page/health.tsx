import type { DeadLetter, Provider } from "@mjflow/client";
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
          <li key={provider.id} className="card">
            <h3>{provider.id}</h3>
            <Members of={provider} without={["id"]} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A server may say more than this page knows: whatever it says is shown under its own name. */
function Members({ of, without = [] }: { of: Provider | Record<string, unknown>; without?: string[] }) {
  return (
    <dl className="facts-list">
      {Object.entries(of).map(([name, value]) =>
        without.includes(name) || value === null ? null : (
          <div key={name}>
            <dt>{words(name)}</dt>
            <dd>
              <Value of={value} />
            </dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Value({ of }: { of: unknown }) {
  if (Array.isArray(of)) {
    if (of.length === 0) return <span className="faint">none</span>;
    if (of.every((item) => typeof item !== "object")) return of.join(", ");
    return (
      <ul>
        {of.map((item, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what it is named by is not known
          <li key={i}>
            <Value of={item} />
          </li>
        ))}
      </ul>
    );
  }
  if (typeof of === "object" && of !== null) return <Members of={of as Record<string, unknown>} />;
  if (typeof of === "boolean") return of ? "yes" : "no";
  return String(of);
}

function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
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
