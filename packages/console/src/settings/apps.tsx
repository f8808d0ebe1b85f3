/** Apps, their limits and credit, and their API keys. */
import type { App, AppKey, NewAppKey } from "@mjflow/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { Problem } from "../components/problem.tsx";
import { useConfirm } from "../kit/confirm.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { usd } from "../lib/money.ts";
import { toMjflowError, useAction } from "../queries.ts";
import { apiUrl, useMjflow } from "../session.ts";

interface UsageView {
  balanceUsd: number | null;
  reservedUsd: number;
  settledUsd: number;
  runningFlows: number;
}

export function Apps() {
  const mjflow = useMjflow();
  const { data, error } = useQuery({
    queryKey: ["apps"],
    queryFn: async () => (await mjflow.apps.list().page()).data.filter(({ deletedAt }) => deletedAt === null),
  });
  const [isNew, setNew] = useState(false);
  const [newKey, setNewKey] = useState<NewAppKey>();
  if (error) return <Problem error={toMjflowError(error)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  return (
    <>
      <div className="head">
        <p className="faint">Each app has its own keys, flows, limits and credit.</p>
        <button type="button" className="primary" onClick={() => setNew(true)}>
          <Icon name="plus" />
          New app
        </button>
      </div>
      {data.length === 0 && <p className="empty">No apps yet. The operator key has its own flows.</p>}
      {data.map((app) => (
        <AppCard key={app.id} app={app} onKey={setNewKey} />
      ))}
      {isNew && <AppForm onClose={() => setNew(false)} />}
      {newKey && <NewKey created={newKey} onClose={() => setNewKey(undefined)} />}
    </>
  );
}

function AppCard({ app, onKey }: { app: App; onKey(key: NewAppKey): void }) {
  const { id, name, limits, disabledAt } = app;
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const confirm = useConfirm();
  const { act, busy, error, clear } = useAction();
  const [isEditing, setEditing] = useState(false);
  const { data: keys } = useQuery({
    queryKey: ["keys", id],
    queryFn: async () => (await mjflow.apps.keys.list(id).page()).data,
  });
  const { data: usage } = useQuery({
    queryKey: ["usage", id],
    queryFn: () => mjflow.request<UsageView>({ path: "/v1/usage", query: { app: id } }),
  });
  const run = (name_: string, work: () => Promise<unknown>) =>
    act(name_, async () => {
      await work();
      await queries.invalidateQueries({ queryKey: ["apps"] });
      await queries.invalidateQueries({ queryKey: ["keys", id] });
      await queries.invalidateQueries({ queryKey: ["usage", id] });
    });
  async function disable() {
    const body = "Its keys are refused until you enable it again. Running flows continue.";
    const question = { title: `Disable ${name}?`, body, action: "Disable app", isDangerous: true };
    if (disabledAt !== null || (await confirm(question)))
      await run("disable", () => mjflow.apps.update(id, { disabled: disabledAt === null }));
  }
  async function revoke(key: AppKey) {
    const body = "Programs that use it are refused within 30 seconds. It cannot be undone.";
    const question = { title: `Revoke ${key.prefix}…?`, body, action: "Revoke key", isDangerous: true };
    if (await confirm(question)) await run("revoke", () => mjflow.apps.keys.revoke(id, key.id));
  }
  async function rotate(key: AppKey) {
    const body = "A new key is made. The old one stays valid for one hour.";
    if (await confirm({ title: `Rotate ${key.prefix}…?`, body, action: "Rotate key" }))
      await run("rotate", async () => onKey(await mjflow.apps.keys.rotate(id, key.id, { overlapS: 3_600 })));
  }
  const live = (keys ?? []).filter(({ revokedAt }) => revokedAt === null);
  const facts: [string, string][] = [
    ["Flows a minute", String(limits.flowsPerMinute ?? "no limit")],
    ["Running flows", `${usage?.runningFlows ?? 0} of ${limits.runningFlows ?? "no limit"}`],
    ["Credit left", usage?.balanceUsd == null ? "no limit" : usd(usage.balanceUsd)],
    ["Spent", usage ? usd(usage.settledUsd) : "…"],
  ];
  return (
    <section className="card" aria-label={name}>
      <header>
        <h3>
          <bdi>{name}</bdi> <span className="tag">{id}</span> {disabledAt && <span className="pill bad">disabled</span>}
        </h3>
        <div className="actions">
          <button type="button" onClick={() => setEditing(true)}>
            <Icon name="pencil" />
            Limits and credit
          </button>
          <button type="button" disabled={!!busy} onClick={() => void disable()}>
            {disabledAt ? "Enable" : "Disable"}
          </button>
        </div>
      </header>
      <dl className="counts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <ul className="key-list">
        {live.map((key) => (
          <li key={key.id}>
            <code>{key.prefix}…</code>
            <span className="faint small">
              created {key.createdAt?.slice(0, 10)} · {key.lastUsedOn ? `used ${key.lastUsedOn}` : "never used"}
              {key.expiresAt && ` · expires ${key.expiresAt.slice(0, 10)}`}
            </span>
            <span className="actions">
              <button type="button" className="quiet" disabled={!!busy} onClick={() => void rotate(key)}>
                Rotate
              </button>
              <button type="button" className="quiet danger" disabled={!!busy} onClick={() => void revoke(key)}>
                Revoke
              </button>
            </span>
          </li>
        ))}
      </ul>
      <div>
        <button
          type="button"
          disabled={!!busy}
          onClick={() => void run("key", async () => onKey(await mjflow.apps.keys.create(id)))}
        >
          <Icon name="key-round" />
          Create key
        </button>
      </div>
      <Problem error={error} onClose={clear} />
      {isEditing && <AppForm app={app} onClose={() => setEditing(false)} />}
    </section>
  );
}

function AppForm({ app, onClose }: { app?: App; onClose(): void }) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { act, busy, error } = useAction();
  const [name, setName] = useState(app?.name ?? "");
  const [perMinute, setPerMinute] = useState(String(app?.limits.flowsPerMinute ?? ""));
  const [running, setRunning] = useState(String(app?.limits.runningFlows ?? ""));
  const [credit, setCredit] = useState(String(app?.limits.creditsUsd ?? ""));
  const [added, setAdded] = useState("");
  const [reference] = useState(() => crypto.randomUUID());
  async function submit(event: FormEvent) {
    event.preventDefault();
    const limits = {
      ...(perMinute !== "" && { flowsPerMinute: Number(perMinute) }),
      ...(running !== "" && { runningFlows: Number(running) }),
      ...(credit !== "" && { creditsUsd: Number(credit) }),
    };
    const hasLimits = Object.keys(limits).length > 0;
    const isDone = await act("save", async () => {
      if (app) await mjflow.apps.update(app.id, { name, limits: hasLimits ? limits : null });
      else await mjflow.apps.create({ name, ...(hasLimits && { limits }) });
      // The reference makes a repeated request add the amount once.
      if (app && added !== "")
        await mjflow.request({
          method: "POST",
          path: `/v1/apps/${encodeURIComponent(app.id)}/credits`,
          body: { addUsd: Number(added), reference },
        });
      await queries.invalidateQueries({ queryKey: ["apps"] });
      if (app) await queries.invalidateQueries({ queryKey: ["usage", app.id] });
    });
    if (isDone) onClose();
  }
  const fields = [
    ["New flows a minute", perMinute, setPerMinute],
    ["Running flows at a time", running, setRunning],
    ["Credit at the start, USD", credit, setCredit],
  ] as const;
  return (
    <Dialog title={app ? `Limits of ${app.name}` : "New app"} narrow onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          Name
          <input required value={name} placeholder="shop" onChange={(event) => setName(event.target.value)} />
        </label>
        {fields.map(([label, value, change]) => (
          <label key={label}>
            {label}
            <input
              type="number"
              min={0}
              step="any"
              value={value}
              placeholder="no limit"
              onChange={(event) => change(event.target.value)}
            />
          </label>
        ))}
        {app?.limits.creditsUsd != null && (
          <label>
            Add credit, USD
            <input
              type="number"
              min={0}
              step="any"
              value={added}
              placeholder="nothing"
              onChange={(event) => setAdded(event.target.value)}
            />
          </label>
        )}
        <Problem error={error} />
        <div className="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={!!busy || name.trim() === ""}>
            {busy ? "Saving…" : "Save"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The only time that the key can be read. */
function NewKey({ created, onClose }: { created: NewAppKey; onClose(): void }) {
  const curl = `curl -s ${apiUrl()}/v1/flows -H "Authorization: Bearer ${created.key}"`;
  return (
    <Dialog title="The new key" hint="It is shown only once. Copy it now." onClose={onClose}>
      <pre className="code new-key">{created.key}</pre>
      <div className="actions">
        <CopyButton text={created.key} label="Copy key" />
        <CopyButton text={curl} label="Copy as curl" />
      </div>
    </Dialog>
  );
}
