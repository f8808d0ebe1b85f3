/** What must be true before a deployment makes anything. Pure, so tests need no deployment. */
import { createProviders, type ProvidersConfig } from "../packages/providers/src/registry.ts";

type Env = Record<string, string | undefined>;

/** Secrets without a default, in the order of docs/deploy.md. */
const REQUIRED_SECRETS = ["HookKey", "VaultKey", "ApiKey", "Providers"] as const;

/** The functions refuse shorter keys of callback tokens and of the vault. */
const KEY_LENGTH = 32;

/**
 * Returns what is wrong with the secrets, one line each. SST itself would find a missing secret only while it makes the
 * other resources. The lines never contain a value.
 *
 * @param env environment of the deployment, in which SST passes the secret `X` as `SST_SECRET_X`
 */
export function secretFaults(env: Env): string[] {
  const value = (name: string) => env[`SST_SECRET_${name}`]?.trim() ?? "";
  const keys = ["HookKey", "VaultKey", "ApiKey"].filter((name) => value(name) !== "");
  return [
    ...REQUIRED_SECRETS.filter((name) => value(name) === "").map(
      (name) => `Set a value for ${name}: npx sst secret set ${name} --stage <stage> < file`,
    ),
    ...keys
      .filter((name) => value(name).length < KEY_LENGTH)
      .map((name) => `${name} has ${value(name).length} characters. Set at least ${KEY_LENGTH} random ones`),
    ...keys
      .filter((name, index) => keys.slice(0, index).some((other) => value(other) === value(name)))
      .map((name) => `${name} has the value of another key. Set a random value of its own`),
    ...(value("Providers") === "" ? [] : vendorFaults(value("Providers"))),
  ];
}

function vendorFaults(text: string): string[] {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // The engine's message would quote the text, which contains API keys.
    return ["Providers is not JSON. docs/deploy.md has an example"];
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    return ["Providers must be a JSON object by provider id. docs/deploy.md has an example"];
  try {
    createProviders(config as ProvidersConfig, { httpClient: () => Promise.reject(new Error("Not used")) } as never);
    return [];
  } catch (error) {
    return [`Providers: ${(error as Error).message}`];
  }
}

interface StageHistory {
  production: boolean;
  /** Whether this stage has been deployed before. */
  exists: boolean;
  /** Other stages of this app in the account and region; undefined if AWS did not tell. */
  others: string[] | undefined;
  /** Whether the operator wants no trial stage. */
  skip: boolean;
}

/**
 * Says why production must wait for a trial stage. Production keeps its table and its buckets and refuses removal, so a
 * first deployment that fails leaves what only AWS's own tools remove.
 *
 * @returns undefined if the stage can be deployed
 */
export function missingTrial({ production, exists, others, skip }: StageHistory): string | undefined {
  if (!production || exists || skip || others === undefined || others.length > 0) return undefined;
  return (
    "Deploy a trial stage in this account and region first: npx sst deploy --stage trial. It shows what this account " +
    "lacks, and npx sst remove --stage trial deletes it later. To deploy production at once set MJFLOW_TRIAL_STAGE=skip"
  );
}
