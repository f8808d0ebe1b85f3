/** Adds or changes a vendor account, and tests it. A new account is paused until its test has worked. */
import type { ProviderAccount } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { weightAfterTest } from "../lib/account-test.ts";
import { useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { type AccountTests, TestResult } from "./account-test.tsx";

interface AccountInput {
  baseUrl?: string;
  apiKey?: string;
  weight?: number;
  maxRunning?: number | null;
}

export function pathOf(provider: string, name: string): string {
  return `/v1/providers/${encodeURIComponent(provider)}/accounts/${encodeURIComponent(name)}`;
}

interface AccountFormProps {
  provider: string;
  /** Unset: a new account. */
  account?: ProviderAccount;
  tests: AccountTests;
  onClose(): void;
}

export function AccountForm({ provider, account, tests, onClose }: AccountFormProps) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { act, busy, error } = useAction();
  const [name, setName] = useState(account?.name ?? "");
  const [baseUrl, setBaseUrl] = useState("");
  const [apiKey, setApiKey] = useState("");
  const [weight, setWeight] = useState(String(account?.weight ?? 1));
  const [maxRunning, setMaxRunning] = useState(String(account?.maxRunning ?? ""));
  /** A new account is stored before its test, so a second try changes it. */
  const [isStored, setStored] = useState(account !== undefined);
  const isNew = account === undefined;
  const isTested = isNew && tests.canTest;
  const wanted = Number(weight);
  const save = async (method: "POST" | "PATCH", body: AccountInput) => {
    await mjflow.request({ method, path: pathOf(provider, name.trim()), body });
    await queries.invalidateQueries({ queryKey: ["providers"] });
  };
  async function submit(event: FormEvent) {
    event.preventDefault();
    const secret = {
      ...(baseUrl.trim() && { baseUrl: baseUrl.trim() }),
      ...(apiKey.trim() && { apiKey: apiKey.trim() }),
    };
    const body: AccountInput = {
      ...secret,
      weight: isTested ? 0 : wanted,
      ...(maxRunning !== "" && { maxRunning: Number(maxRunning) }),
    };
    let isFinished = true;
    const isDone = await act("save", async () => {
      await save(isStored ? "PATCH" : "POST", body);
      setStored(true);
      if (!tests.canTest || (!isNew && Object.keys(secret).length === 0)) return;
      const test = await tests.run(provider, name.trim());
      if (!isNew) return;
      const after = weightAfterTest(test, wanted);
      if (after !== undefined) await save("PATCH", { weight: after });
      isFinished = test?.ok === true;
    });
    if (isDone && isFinished) onClose();
  }
  async function startAnyway() {
    if (await act("start", () => save("PATCH", { weight: wanted }))) onClose();
  }
  const isPaused = isTested && isStored;
  return (
    <Dialog
      title={account ? t.vendors.accountOf(account.name, provider) : t.vendors.newAccountOf(provider)}
      narrow
      onClose={onClose}
    >
      <form onSubmit={submit}>
        {isNew && (
          <label>
            {t.common.name}
            <input
              required
              value={name}
              placeholder="main"
              readOnly={isStored}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
        )}
        <label>
          {t.vendors.apiKey}
          <input
            type="password"
            autoComplete="off"
            value={apiKey}
            placeholder={isStored ? t.vendors.unchanged : ""}
            onChange={(event) => setApiKey(event.target.value)}
          />
        </label>
        <label>
          {t.vendors.baseUrl}
          <input
            type="url"
            value={baseUrl}
            placeholder={isStored ? t.vendors.unchanged : t.vendors.ofConfiguration}
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
        {isTested && <TestResult tested={tests.of(provider, name.trim())} />}
        {isPaused && !busy && <p className="small">{t.vendors.savedPaused}</p>}
        <Problem error={error} />
        <div className="actions end">
          {isPaused && !busy && wanted > 0 && (
            <button type="button" onClick={() => void startAnyway()}>
              {t.vendors.startAnyway}
            </button>
          )}
          <button type="button" onClick={onClose}>
            {isPaused ? t.common.close : t.common.cancel}
          </button>
          <button type="submit" className="primary" disabled={!!busy}>
            {busy ? t.common.saving : isTested ? t.vendors.saveAndTest : t.common.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
