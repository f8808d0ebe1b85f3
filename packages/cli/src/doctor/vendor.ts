/** What the API says of its vendors, put into words. Pure; read loosely, for a newer server says more. */
import type { Provider } from "@mjflow/client";
import { clean } from "../text.ts";
import { ago } from "../time.ts";
import type { Finding } from "./finding.ts";

/** An account's health as the API shows it; what is not told is undefined. */
interface Health {
  name: string;
  callbacks?: string | undefined;
  heardAt?: string | null | undefined;
  circuit?: string | undefined;
  /** Look-ups that failed in a row. */
  failures?: number | undefined;
}

const RELAY =
  "Most resellers run new-api, which deletes notifyHook: ask its operator to set MjNotifyEnabled. Until then mjflow looks its tasks up, one list for all of them.";

export function judgeVendors(providers: readonly Provider[], nowMs: number): Finding[] {
  if (providers.length === 0) {
    return [
      {
        level: "bad",
        about: "vendors",
        what: "none is configured",
        advice: "Set the secret Providers, or MJFLOW_<ID>_BASE_URL and _KEY.",
      },
    ];
  }
  return providers.flatMap((provider) => healthsOf(provider).map((health) => judge(health, nowMs)));
}

function judge({ name, callbacks, heardAt, circuit, failures = 0 }: Health, nowMs: number): Finding {
  const about = clean(name);
  if (circuit === "open") {
    return {
      level: "bad",
      about,
      what: "refuses what it is sent; new work goes elsewhere for now",
      advice: "Its key, its balance or its server: `mjflow flows` shows what it said.",
    };
  }
  if (callbacks === "silent") return { level: "warn", about, what: "never calls back", advice: RELAY };
  if (failures > 0) return { level: "warn", about, what: `${failures} look-ups in a row failed` };
  if (callbacks === "calling")
    return { level: "ok", about, what: `calls back${heardAt ? `, last heard ${ago(heardAt, nowMs)}` : ""}` };
  return { level: "unknown", about, what: "nothing is known yet: it has finished too little" };
}

function healthsOf(provider: Provider): Health[] {
  const { accounts } = provider;
  if (!Array.isArray(accounts) || accounts.length === 0) return [healthOf(provider, provider.id)];
  return accounts.filter(isObject).map((account) => {
    const own = textOf(account["name"] ?? account["id"] ?? account["account"]);
    const name = accounts.length === 1 || own === undefined ? provider.id : `${provider.id}/${own}`;
    return healthOf(account, name);
  });
}

function healthOf(told: Readonly<Record<string, unknown>>, name: string): Health {
  const inner = isObject(told["health"]) ? { ...told, ...told["health"] } : told;
  return {
    name,
    callbacks: textOf(inner["callbacks"]),
    heardAt: textOf(inner["heardAt"]),
    circuit: textOf(inner["circuit"]),
    failures: typeof inner["failures"] === "number" ? inner["failures"] : undefined,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
