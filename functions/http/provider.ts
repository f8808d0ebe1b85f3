/** `/v1/providers`: lists the providers and manages vendor accounts. Only the operator can change accounts. */
import type { StoredAccount } from "@mjflow/core/account";
import { ACCOUNT_TEST_RESULTS, type AccountTest, type AccountTestMeaning } from "@mjflow/core/account-test";
import { AccountPatch, AccountRequest } from "@mjflow/core/request";
import { listProviders } from "@mjflow/engine/provider";
import { testAccount } from "@mjflow/engine/test-account";
import { addAccount, removeAccount, updateAccount } from "@mjflow/engine/vendor-accounts";
import { wakeWaitList } from "@mjflow/engine/wait-list";
import { Hono } from "hono";
import { operatorOnly } from "./auth.ts";
import { readBody } from "./body.ts";
import type { AppEnv } from "./env.ts";

export const providers = new Hono<AppEnv>()
  .get("/", async (c) => c.json({ data: await listProviders(c.get("deps")), nextCursor: null }))
  .post("/:id/accounts/:name", operatorOnly, async (c) => {
    const { id, name } = c.req.param();
    const account = await addAccount(c.get("deps"), id, name, await readBody(c, AccountRequest));
    return c.json(accountView(account), 201, { Location: `/v1/providers/${id}` });
  })
  .patch("/:id/accounts/:name", operatorOnly, async (c) => {
    const { id, name } = c.req.param();
    const deps = c.get("deps");
    const updated = await updateAccount(deps, id, name, await readBody(c, AccountPatch));
    // A new key or a higher limit may be what the tasks of the account wait for. The sweeper would wake them a minute later.
    await wakeWaitList(deps, { provider: id, account: name }).catch((error: unknown) =>
      deps.log.warn("wait-list.not-woken", { provider: id, account: name, error: String(error) }),
    );
    return c.json(accountView(updated));
  })
  .delete("/:id/accounts/:name", operatorOnly, async (c) => {
    const { id, name } = c.req.param();
    await removeAccount(c.get("deps"), id, name);
    return c.body(null, 204);
  })
  .post("/:id/accounts/:name/test", operatorOnly, async (c) => {
    const { id, name } = c.req.param();
    return c.json(testView(id, name, await testAccount(c.get("deps"), id, name)));
  });

function testView(provider: string, account: string, test: AccountTest & { at: number }) {
  const { code, latencyMs, status, reason, vendorText, redirectsTo, at } = test;
  const { ok, reachable, key, advice }: AccountTestMeaning = ACCOUNT_TEST_RESULTS[code];
  return {
    provider,
    account,
    ok,
    code,
    reachable,
    key,
    latencyMs,
    status: status ?? null,
    reason: reason ?? null,
    vendorText: vendorText ?? null,
    redirectsTo: redirectsTo ?? null,
    advice: redirectsTo === undefined ? advice : `The vendor redirects to ${redirectsTo}. Set that address as baseUrl.`,
    testedAt: new Date(at).toISOString(),
  };
}

/**
 * A vendor account as it is stored. Null: the value comes from the configuration. The key is never shown. `baseUrl`
 * shows only the origin, because a path can contain a secret.
 */
function accountView({ provider, name, baseUrl, sealed, weight, maxRunning, createdAt, updatedAt }: StoredAccount) {
  return {
    provider,
    name,
    baseUrl: baseUrl === undefined ? null : new URL(baseUrl).origin,
    hasKey: sealed !== undefined,
    weight: weight ?? null,
    maxRunning: maxRunning ?? null,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
