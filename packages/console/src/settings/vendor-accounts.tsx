/** Vendors and their accounts: add, pause, change and remove. */
import type { Provider, ProviderAccount } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { PollingBanner } from "../components/polling-banner.tsx";
import { Problem } from "../components/problem.tsx";
import { useNow } from "../hooks.ts";
import { useConfirm } from "../kit/confirm.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { Menu, MenuItem } from "../kit/menu.tsx";
import { useToasts } from "../kit/toast.tsx";
import { actionLabel, speedLabel } from "../lib/press.ts";
import { ago } from "../lib/time.ts";
import { toMjflowError, useAction, useProviders } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

interface AccountInput {
  baseUrl?: string;
  apiKey?: string;
  weight?: number;
  maxRunning?: number | null;
}

function pathOf(provider: string, name: string): string {
  return `/v1/providers/${encodeURIComponent(provider)}/accounts/${encodeURIComponent(name)}`;
}

export function VendorAccounts() {
  const { data, error } = useProviders();
  const [form, setForm] = useState<{ provider: string; account?: ProviderAccount }>();
  if (error) return <Problem error={toMjflowError(error)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  return (
    <>
      <p className="faint">{t.vendors.about}</p>
      <PollingBanner />
      {data.map((provider) => (
        <Vendor key={provider.id} provider={provider} onForm={setForm} />
      ))}
      {form && <AccountForm {...form} onClose={() => setForm(undefined)} />}
    </>
  );
}

type OnForm = (form: { provider: string; account?: ProviderAccount }) => void;

function Vendor({ provider, onForm }: { provider: Provider; onForm: OnForm }) {
  const { id, title, actions, modes, accounts } = provider;
  return (
    <section className="card vendor-card" aria-label={title}>
      <header>
        <div>
          <h3>
            <bdi>{title}</bdi> <span className="tag">{id}</span>
          </h3>
          <p className="faint small">
            {actions.map(actionLabel).join(", ")} · {modes.map(speedLabel).join(", ")}
          </p>
        </div>
        <button type="button" onClick={() => onForm({ provider: id })}>
          <Icon name="plus" />
          {t.vendors.addAccount}
        </button>
      </header>
      {accounts.length > 0 && (
        <div className="sheet-scroll">
          <table className="setting-table stacked">
            <thead>
              <tr>
                <th scope="col">{t.vendors.account}</th>
                <th scope="col">{t.vendors.callbacks}</th>
                <th scope="col">{t.vendors.state}</th>
                <th scope="col">{t.vendors.weight}</th>
                <th scope="col">{t.vendors.atATime}</th>
                <th scope="col">
                  <span className="unseen">{t.vendors.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {accounts.map((account) => (
                <AccountRow key={account.name} provider={id} account={account} onForm={onForm} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function AccountRow(props: { provider: string; account: ProviderAccount; onForm: OnForm }) {
  const { provider, account, onForm } = props;
  const { name, callbacks, heardAt, circuit, weight, maxRunning, waiting } = account;
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const confirm = useConfirm();
  const { show } = useToasts();
  const { act, busy } = useAction();
  const now = useNow(5_000);
  const run = (work: () => Promise<unknown>) =>
    act("change", async () => {
      try {
        await work();
      } catch (error) {
        show(toMjflowError(error).detail);
      }
      await queries.invalidateQueries({ queryKey: ["providers"] });
    });
  const setWeight = (to: number) =>
    run(() => mjflow.request({ method: "PATCH", path: pathOf(provider, name), body: { weight: to } }));
  async function remove() {
    const { removeTitle, removeBody, removeAccount: action } = t.vendors;
    const body = removeBody(`${provider}/${name}`);
    const isSure = await confirm({ title: removeTitle(name), body, action, isDangerous: true });
    if (isSure) await run(() => mjflow.request({ method: "DELETE", path: pathOf(provider, name) }));
  }
  return (
    <tr>
      <th scope="row">
        <bdi>{name}</bdi> {account.simulated && <span className="tag simulated">{t.common.simulated}</span>}
      </th>
      <td data-label={t.vendors.callbacks}>
        {callbacks === "silent" ? (
          <span className="pill ask">{t.vendors.noCallbacks}</span>
        ) : (
          <span className={heardAt ? "pill ok" : "pill"}>{heardAt ? ago(heardAt, now) : t.vendors.noneYet}</span>
        )}
      </td>
      <td data-label={t.vendors.state}>
        {weight === 0
          ? t.vendors.paused
          : circuit === "closed"
            ? t.vendors.healthy
            : (t.vendors.circuit[circuit] ?? circuit)}
        {waiting && waiting.count > 0 && ` · ${t.vendors.waiting(waiting.count)}`}
      </td>
      <td className="number" data-label={t.vendors.weight}>
        {weight}
      </td>
      <td className="number" data-label={t.vendors.atATime}>
        {maxRunning ?? t.common.noLimit}
      </td>
      <td>
        <Menu label={t.vendors.actionsOf(name)}>
          <MenuItem icon="pencil" onSelect={() => onForm({ provider, account })}>
            {t.common.edit}
          </MenuItem>
          <MenuItem
            icon={weight === 0 ? "play" : "circle-stop"}
            disabled={!!busy}
            onSelect={() => setWeight(weight === 0 ? 1 : 0)}
          >
            {weight === 0 ? t.vendors.resumeNew : t.vendors.pauseNew}
          </MenuItem>
          <MenuItem icon="trash-2" isDangerous disabled={!!busy} onSelect={remove}>
            {t.common.remove}
          </MenuItem>
        </Menu>
      </td>
    </tr>
  );
}

function AccountForm(props: { provider: string; account?: ProviderAccount; onClose(): void }) {
  const { provider, account, onClose } = props;
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { act, busy, error } = useAction();
  const [name, setName] = useState(account?.name ?? "");
  const [baseUrl, setBaseUrl] = useState("");
  const [apiKey, setApiKey] = useState("");
  const [weight, setWeight] = useState(String(account?.weight ?? 1));
  const [maxRunning, setMaxRunning] = useState(String(account?.maxRunning ?? ""));
  async function submit(event: FormEvent) {
    event.preventDefault();
    const body: AccountInput = {
      ...(baseUrl.trim() && { baseUrl: baseUrl.trim() }),
      ...(apiKey.trim() && { apiKey: apiKey.trim() }),
      weight: Number(weight),
      ...(maxRunning !== "" && { maxRunning: Number(maxRunning) }),
    };
    const isDone = await act("save", async () => {
      await mjflow.request({ method: account ? "PATCH" : "POST", path: pathOf(provider, name.trim()), body });
      await queries.invalidateQueries({ queryKey: ["providers"] });
    });
    if (isDone) onClose();
  }
  return (
    <Dialog
      title={account ? t.vendors.accountOf(account.name, provider) : t.vendors.newAccountOf(provider)}
      narrow
      onClose={onClose}
    >
      <form onSubmit={submit}>
        {!account && (
          <label>
            {t.common.name}
            <input required value={name} placeholder="main" onChange={(event) => setName(event.target.value)} />
          </label>
        )}
        <label>
          {t.vendors.apiKey}
          <input
            type="password"
            autoComplete="off"
            value={apiKey}
            placeholder={account ? t.vendors.unchanged : ""}
            onChange={(event) => setApiKey(event.target.value)}
          />
        </label>
        <label>
          {t.vendors.baseUrl}
          <input
            type="url"
            value={baseUrl}
            placeholder={account ? t.vendors.unchanged : t.vendors.ofConfiguration}
            onChange={(event) => setBaseUrl(event.target.value)}
          />
        </label>
        <div className="row">
          <label>
            {t.vendors.weight}
            <input
              type="number"
              min={0}
              max={1000}
              value={weight}
              onChange={(event) => setWeight(event.target.value)}
            />
          </label>
          <label>
            {t.vendors.tasksAtATime}
            <input
              type="number"
              min={1}
              value={maxRunning}
              placeholder={t.common.noLimit}
              onChange={(event) => setMaxRunning(event.target.value)}
            />
          </label>
        </div>
        <Problem error={error} />
        <div className="actions end">
          <button type="button" onClick={onClose}>
            {t.common.cancel}
          </button>
          <button type="submit" className="primary" disabled={!!busy}>
            {busy ? t.common.saving : t.common.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
