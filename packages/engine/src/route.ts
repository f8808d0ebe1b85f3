/** Where work goes: which vendor's account takes a new root, and whose account a task stands at. */
import type { AccountConfig, Provider, Providers } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";

/** A task's account, as it was found: it may be taken out of the configuration while it is used. */
export interface At {
  provider: Provider;
  config: AccountConfig;
}

/** Undefined: there is none, and the table was asked before that was said. @throws MjflowError overloaded */
export async function findAccount(
  providers: Providers,
  { provider: id, account }: Pick<Task, "provider" | "account">,
): Promise<At | undefined> {
  const found = (): At | undefined => {
    const vendor = providers.get(id);
    const config = vendor?.account(account);
    return vendor && config && { provider: vendor.provider, config };
  };
  await providers.fresh?.();
  const at = found();
  if (at) return at;
  await providers.fresh?.("anew");
  return found();
}
