/** The test of a vendor account: its request, and its result in place. */
import type { AccountTest, MjflowError } from "@mjflow/client";
import { useCallback, useState } from "react";
import { Problem } from "../components/problem.tsx";
import { TEST_MARKS, toneOfTest } from "../lib/account-test.ts";
import { duration } from "../lib/time.ts";
import { toMjflowError, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

export interface Tested {
  isRunning?: boolean;
  result?: AccountTest;
  error?: MjflowError;
}

export interface AccountTests {
  /** False if the server has no tests. Then a new account gets its weight at once. */
  canTest: boolean;
  of(provider: string, account: string): Tested | undefined;
  /** Returns undefined if the request for the test failed. */
  run(provider: string, account: string): Promise<AccountTest | undefined>;
  forget(provider: string, account: string): void;
}

/** The tests of this visit to the page. They are not kept, because a key or a vendor changes. */
export function useAccountTests(): AccountTests {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const [tests, setTests] = useState<ReadonlyMap<string, Tested>>(new Map());
  const set = useCallback((provider: string, account: string, tested: Tested) => {
    setTests((before) => new Map(before).set(`${provider}/${account}`, tested));
  }, []);
  const run = useCallback(
    async (provider: string, account: string) => {
      set(provider, account, { isRunning: true });
      try {
        const result = await mjflow.providers.testAccount(provider, account);
        set(provider, account, { result });
        return result;
      } catch (cause) {
        set(provider, account, { error: toMjflowError(cause) });
        return undefined;
      }
    },
    [mjflow, set],
  );
  return {
    canTest: can("POST", "/v1/providers/{id}/accounts/{name}/test"),
    of: (provider, account) => tests.get(`${provider}/${account}`),
    run,
    forget: (provider, account) => set(provider, account, {}),
  };
}

/** The result in words, with a mark and a color. Screen readers speak it when it changes. */
export function TestResult({ tested }: { tested: Tested | undefined }) {
  const { isRunning, result, error } = tested ?? {};
  return (
    <div className="test-result" role="status">
      {isRunning && <span className="faint small">{t.vendors.testing}</span>}
      {result && <ResultLines result={result} />}
      <Problem error={error} />
    </div>
  );
}

function ResultLines({ result }: { result: AccountTest }) {
  const { code, status, reason, latencyMs, vendorText, redirectsTo, advice } = result;
  const tone = toneOfTest(result);
  const known = t.vendors.tests[code];
  const response = status === null ? reason : t.vendors.httpStatus(status);
  return (
    <>
      <p>
        <span className={`pill ${tone}`}>
          {TEST_MARKS[tone]} {known?.result ?? code}
        </span>{" "}
        <span className="faint small">
          {response && `${response} · `}
          {duration(latencyMs)}
        </span>
      </p>
      {/* A code of a newer server has no text here. Its advice is English. */}
      {known ? known.advice && <p className="small">{known.advice}</p> : <p lang="en">{advice}</p>}
      {redirectsTo && <p className="small">{t.vendors.redirects(redirectsTo)}</p>}
      {vendorText !== null && (
        <p className="faint small">
          {t.vendors.vendorSays} <q>{vendorText}</q>
        </p>
      )}
    </>
  );
}
