/** Tests a vendor account for the operator. Loaded with its route, because no other function needs it. */
import type { AccountTest } from "@mjflow/core/account-test";
import { MjflowError } from "@mjflow/core/error";
import type { AccountTester, Clock, Log, VendorStore } from "@mjflow/core/port";
import type { Vendors } from "./vendor-accounts.ts";

export interface AccountTestDeps {
  vendors: Vendors;
  vendorStore: Pick<VendorStore, "storedAccount">;
  accountTester: AccountTester;
  clock: Clock;
  log: Log;
}

/**
 * Tests the address and the key of an account, also of a paused one. The test is no work of the account: it changes neither account health
 * nor slots, and nothing is stored.
 *
 * @throws MjflowError `not_found`; `wrong_state` if the account has no base URL or no key that can be decrypted
 */
export async function testAccount(
  { vendors, vendorStore, accountTester, clock, log }: AccountTestDeps,
  provider: string,
  name: string,
): Promise<AccountTest & { at: number }> {
  await vendors.refresh("force");
  const account = vendors.get(provider)?.account(name);
  if (!account) {
    if (!(await vendorStore.storedAccount(provider, name))) throw new MjflowError("not_found");
    throw new MjflowError("wrong_state", {
      detail: "The account has no base URL, or no API key that can be decrypted. Set both.",
    });
  }
  const at = clock.now();
  const test = await accountTester.test(provider, account);
  // The vendor's words stay out of the log.
  const { code, latencyMs, status, reason } = test;
  log.info("vendor.account-tested", { provider, account: name, code, latencyMs, status, reason });
  return { ...test, at };
}
