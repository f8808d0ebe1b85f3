/** What the API says of its vendors, put into words. Pure. */
import type { Provider, ProviderAccount } from "@mjflow/client";
import { stripControlCharacters } from "../text.ts";
import { ago } from "../time.ts";
import type { Finding } from "./finding.ts";

const UNCONFIGURED = "Set the secret Providers; on this machine MJFLOW_<VENDOR>_BASE_URL and MJFLOW_<VENDOR>_KEY.";
const UNASKED = "Its key, its balance or its server: `mjflow flows --provider` shows what came of its work.";
const SILENT =
  "Most resellers run new-api, which deletes notifyHook: ask its operator to set MjNotifyEnabled. Until then mjflow looks its tasks up, one list for all of them.";

export function checkVendors(providers: readonly Provider[], nowMs: number): Finding[] {
  if (providers.length === 0) {
    return [{ level: "bad", subject: "vendors", message: "none is configured", advice: UNCONFIGURED }];
  }
  const accounts = providers.flatMap(({ id, accounts }) =>
    accounts.map((account) => ({
      name: stripControlCharacters(accounts.length === 1 ? id : `${id}/${account.name}`),
      account,
    })),
  );
  const [found, unknown] = [[] as Finding[], [] as string[]];
  for (const { name, account } of accounts) {
    const finding = checkAccount(name, account, nowMs);
    if (finding) found.push(finding);
    else unknown.push(name);
  }
  return unknown.length === 0 ? found : [...found, hasNoTraffic(unknown)];
}

function checkAccount(about: string, account: ProviderAccount, nowMs: number): Finding | undefined {
  const { callbacks, heardAt, failures } = account;
  if (failures > 0) {
    const times = failures === 1 ? "once" : `${failures} times in a row`;
    return { level: "warn", subject: about, message: `could not be asked, ${times}`, advice: UNASKED };
  }
  if (callbacks === "silent") return { level: "warn", subject: about, message: "never calls back", advice: SILENT };
  if (callbacks !== "calling") return undefined;
  return { level: "ok", subject: about, message: `calls back${heardAt ? `, last noted ${ago(heardAt, nowMs)}` : ""}` };
}

/** One line for all of them: a local house has every vendor, and most are never used. */
function hasNoTraffic(names: readonly string[]): Finding {
  return { level: "unknown", subject: "vendors", message: `too little work yet to know of ${names.join(", ")}` };
}
