/** Apps, their limits and credit, and their API keys. */

import type { App, AppKey, NewAppKey } from "@mjflow/client";
import type { UsageView } from "@mjflow/core/response";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { useAskOverlap } from "../components/overlap-choice.tsx";
import { Problem } from "../components/problem.tsx";
import { useConfirm } from "../kit/confirm.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { usd } from "../lib/money.ts";
import { toMjflowError, useAction } from "../queries.ts";
import { apiUrl, useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

const HOUR_S = 3_600;

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
        <p className="faint">{t.apps.about}</p>
        <button type="button" className="primary" onClick={() => setNew(true)}>
          <Icon name="plus" />
          {t.apps.new}
        </button>
      </div>
      {data.length === 0 && <p className="empty">{t.apps.nothing}</p>}
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
  const askOverlap = useAskOverlap();
  const { act, off, error, clear } = useAction();
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
    const { disableBody: body, disableApp: action, disableTitle } = t.apps;
    const question = { title: disableTitle(name), body, action, isDangerous: true };
    if (disabledAt !== null || (await confirm(question)))
      await run("disable", () => mjflow.apps.update(id, { disabled: disabledAt === null }));
  }
  async function revoke(key: AppKey) {
    const { revokeBody: body, revokeKey: action, revokeTitle } = t.apps;
    const question = { title: revokeTitle(key.prefix), body, action, isDangerous: true };
    if (await confirm(question)) await run("revoke", () => mjflow.apps.keys.revoke(id, key.id));
  }
  async function rotate(key: AppKey) {
    const { rotateBody: about, rotateKey: action, rotateTitle } = t.apps;
    const overlapS = await askOverlap({ title: rotateTitle(key.prefix), about, action, initial: HOUR_S });
    if (overlapS !== undefined)
      await run("rotate", async () => onKey(await mjflow.apps.keys.rotate(id, key.id, { overlapS })));
  }
  const live = (keys ?? []).filter(({ revokedAt }) => revokedAt === null);
  const facts: [string, string][] = [
    [t.apps.perMinute, String(limits.flowsPerMinute ?? t.common.noLimit)],
    [t.apps.runningFlows, t.apps.runningOf(usage?.runningFlows ?? 0, String(limits.runningFlows ?? t.common.noLimit))],
    [t.apps.creditLeft, usage?.balanceUsd == null ? t.common.noLimit : usd(usage.balanceUsd)],
    [t.apps.spent, usage ? usd(usage.settledUsd) : "…"],
  ];
  return (
    <section className="card" aria-label={name}>
      <header>
        <h3>
          <bdi>{name}</bdi> <span className="tag">{id}</span>{" "}
          {disabledAt && <span className="pill bad">{t.apps.disabled}</span>}
        </h3>
        <div className="actions">
          <button type="button" onClick={() => setEditing(true)}>
            <Icon name="pencil" />
            {t.apps.limitsAndCredit}
          </button>
          <button type="button" {...off} onClick={() => void disable()}>
            {disabledAt ? t.apps.enable : t.apps.disable}
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
              {t.apps.createdOn(key.createdAt?.slice(0, 10) ?? "")} ·{" "}
              {key.lastUsedOn ? t.apps.usedOn(key.lastUsedOn) : t.apps.neverUsed}
              {key.expiresAt && ` · ${t.apps.expires(key.expiresAt.slice(0, 10))}`}
            </span>
            <span className="actions">
              <button type="button" className="quiet" {...off} onClick={() => void rotate(key)}>
                {t.apps.rotate}
              </button>
              <button type="button" className="quiet danger" {...off} onClick={() => void revoke(key)}>
                {t.apps.revoke}
              </button>
            </span>
          </li>
        ))}
      </ul>
      <div>
        <button
          type="button"
          {...off}
          onClick={() => void run("key", async () => onKey(await mjflow.apps.keys.create(id)))}
        >
          <Icon name="key-round" />
          {t.apps.createKey}
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
  const { act, busy, off, error } = useAction();
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
    [t.apps.newPerMinute, perMinute, setPerMinute],
    [t.apps.runningAtATime, running, setRunning],
    [t.apps.startCredit, credit, setCredit],
  ] as const;
  return (
    <Dialog title={app ? t.apps.limitsOf(app.name) : t.apps.new} narrow onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          {t.common.name}
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
              placeholder={t.common.noLimit}
              onChange={(event) => change(event.target.value)}
            />
          </label>
        ))}
        {app?.limits.creditsUsd != null && (
          <label>
            {t.apps.addCredit}
            <input
              type="number"
              min={0}
              step="any"
              value={added}
              placeholder={t.apps.nothingAdded}
              onChange={(event) => setAdded(event.target.value)}
            />
          </label>
        )}
        <Problem error={error} />
        <div className="actions end">
          <button type="button" onClick={onClose}>
            {t.common.cancel}
          </button>
          <button type="submit" className="primary" {...off} disabled={off.disabled || name.trim() === ""}>
            {busy ? t.common.saving : t.common.save}
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
    <Dialog title={t.apps.newKey} hint={t.apps.shownOnce} onClose={onClose}>
      <pre className="code new-key">{created.key}</pre>
      <div className="actions">
        <CopyButton text={created.key} label={t.apps.copyKey} />
        <CopyButton text={curl} label={t.apps.copyCurl} />
      </div>
    </Dialog>
  );
}
