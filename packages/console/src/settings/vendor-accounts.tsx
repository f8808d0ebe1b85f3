/** Vendors and their accounts: add, test, pause, change and remove. */
import type { Provider, ProviderAccount } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { PollingBanner } from "../components/polling-banner.tsx";
import { Problem } from "../components/problem.tsx";
import { useNow } from "../hooks.ts";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Menu, MenuItem } from "../kit/menu.tsx";
import { useToasts } from "../kit/toast.tsx";
import { actionLabel, speedLabel } from "../lib/press.ts";
import { ago } from "../lib/time.ts";
import { toMjflowError, useAction, useProviders } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { AccountForm, pathOf } from "./account-form.tsx";
import { type AccountTests, TestResult, useAccountTests } from "./account-test.tsx";

export function VendorAccounts() {
  const { data, error } = useProviders();
  const [form, setForm] = useState<{ provider: string; account?: ProviderAccount }>();
  const tests = useAccountTests();
  if (error) return <Problem error={toMjflowError(error)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  return (
    <>
      <p className="faint">{t.vendors.about}</p>
      <PollingBanner />
      {data.map((provider) => (
        <Vendor key={provider.id} provider={provider} tests={tests} onForm={setForm} />
      ))}
      {form && <AccountForm {...form} tests={tests} onClose={() => setForm(undefined)} />}
    </>
  );
}

type OnForm = (form: { provider: string; account?: ProviderAccount }) => void;

function Vendor({ provider, tests, onForm }: { provider: Provider; tests: AccountTests; onForm: OnForm }) {
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
                <AccountRow key={account.name} provider={id} account={account} tests={tests} onForm={onForm} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function AccountRow(props: { provider: string; account: ProviderAccount; tests: AccountTests; onForm: OnForm }) {
  const { provider, account, tests, onForm } = props;
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
    if (!isSure) return;
    await run(() => mjflow.request({ method: "DELETE", path: pathOf(provider, name) }));
    tests.forget(provider, name);
  }
  const tested = tests.of(provider, name);
  return (
    <>
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
          <div className="account-actions">
            {tests.canTest && (
              <button
                type="button"
                aria-label={t.vendors.testOf(name)}
                disabled={!!tested?.isRunning}
                onClick={() => void tests.run(provider, name)}
              >
                {t.vendors.test}
              </button>
            )}
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
          </div>
        </td>
      </tr>
      {tested && (
        <tr className="test-row">
          <td colSpan={6}>
            <TestResult tested={tested} />
          </td>
        </tr>
      )}
    </>
  );
}
