/** Turns the account health that the API reports into findings. Pure. */
import type { Provider, ProviderAccount } from "@mjflow/client";
import { stripControlCharacters } from "../text.ts";
import { ago } from "../time.ts";
import type { Finding } from "./finding.ts";

const UNCONFIGURED = "Set the secret Providers; for the local server MJFLOW_<VENDOR>_BASE_URL and MJFLOW_<VENDOR>_KEY.";
const LOOKUP_FAILED =
  "Check the vendor account's key and balance and the vendor's server. `mjflow flows --provider` lists its flows.";
const UNREACHABLE =
  "Check the host, port and scheme of the account's base URL, its TLS certificate, and that the key has only visible ASCII characters. `mjflow accounts test` tells whether it works now.";
const REFUSED =
  "Check the vendor account's key and balance, then set the new key with PATCH /v1/providers/{id}/accounts/{name}. `mjflow accounts test` tells whether it is right. Until then mjflow cannot see whether tasks have ended.";
const SILENT =
  "Most resellers run new-api, which removes notifyHook. Ask the vendor to set MjNotifyEnabled. Until then mjflow looks up the tasks, all of them in one request.";

const WAITING =
  "The account is busy or has too few slots. Raise maxRunning or add an account with POST /v1/providers/{id}/accounts/{name}. A task in fast mode expires after an hour.";

export function checkVendors(providers: readonly Provider[], nowMs: number): Finding[] {
  if (providers.length === 0) {
    return [{ level: "bad", subject: "vendors", message: "no vendor is configured", advice: UNCONFIGURED }];
  }
  const accounts = providers.flatMap(({ id, accounts }) =>
    accounts.map((account) => ({
      name: stripControlCharacters(accounts.length === 1 ? id : `${id}/${account.name}`),
      account,
    })),
  );
  const [found, unknown] = [[] as Finding[], [] as string[]];
  for (const { name, account } of accounts) {
    const waiting = checkWaiting(name, account, nowMs);
    if (waiting) found.push(waiting);
    const finding = checkAccount(name, account, nowMs);
    if (finding) found.push(finding);
    else unknown.push(name);
  }
  return unknown.length === 0 ? found : [...found, noTrafficFinding(unknown)];
}

function checkAccount(subject: string, account: ProviderAccount, nowMs: number): Finding | undefined {
  const { callbacks, heardAt, failures, fault, lookupFault } = account;
  if (fault === "unreachable" || lookupFault === "unreachable") {
    return { level: "bad", subject, message: "the vendor cannot be reached", advice: UNREACHABLE };
  }
  if (fault === "unauthorized" || lookupFault === "unauthorized") {
    const what = lookupFault === "unauthorized" ? "look-ups" : "submissions";
    return { level: "bad", subject, message: `the vendor refuses the key for ${what}`, advice: REFUSED };
  }
  if (failures > 0) {
    const times = failures === 1 ? "once" : `${failures} times in a row`;
    return { level: "warn", subject, message: `look-up failed ${times}`, advice: LOOKUP_FAILED };
  }
  if (callbacks === "silent") return { level: "warn", subject, message: "sends no callbacks", advice: SILENT };
  if (callbacks !== "calling") return undefined;
  return { level: "ok", subject, message: `sends callbacks${heardAt ? `, last one ${ago(heardAt, nowMs)}` : ""}` };
}

/** Tasks wait whenever an account has more work than slots. Only a long wait is a warning, because tasks then expire. */
const LONG_WAIT_MS = 15 * 60_000;

function checkWaiting(subject: string, { waiting }: ProviderAccount, nowMs: number): Finding | undefined {
  if (!waiting?.oldestAt || waiting.count === 0) return undefined;
  const { count, atLeast, oldestAt } = waiting;
  const many = `${count}${atLeast ? "+" : ""} ${count === 1 && !atLeast ? "task waits" : "tasks wait"}`;
  const message = `${many} for the account; the oldest was created ${ago(oldestAt, nowMs)}`;
  return nowMs - Date.parse(oldestAt) > LONG_WAIT_MS
    ? { level: "warn", subject, message, advice: WAITING }
    : { level: "ok", subject, message };
}

/** One line for all accounts without traffic: the local server has every vendor, and most of them are never used. */
function noTrafficFinding(names: readonly string[]): Finding {
  return { level: "unknown", subject: "vendors", message: `too few tasks yet for a result: ${names.join(", ")}` };
}
