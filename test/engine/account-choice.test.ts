/** Which vendor account a root gets, and what the error of a request says that no vendor can serve. */
import type { AccountTraits } from "@mjflow/core/account";
import { type AccountHealth, newHealth } from "@mjflow/core/account-health";
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { LookupError, type Provider, type ProviderCapabilities, type Providers } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import type { VendorNeeds } from "@mjflow/core/vendor-needs";
import {
  checkProvider,
  findAccountOfTask,
  findFailoverAccount,
  findFreeAccount,
  selectFailoverAccount,
  selectRootAccount,
} from "@mjflow/engine/account-selection";
import { beforeEach, describe, expect, test } from "vitest";

const NOW = Date.UTC(2026, 10, 21);

const ALL: ProviderCapabilities = {
  notifyHook: "documented",
  listByCondition: true,
  searchByState: false,
  instantActions: [],
  rootActions: ["imagine", "blend"],
  modes: ["fast", "relax"],
  seed: false,
  imageLinks: true,
  swapLinks: true,
  optionalFields: [],
  promptActions: [],
  modals: true,
  unsupportedPresses: [],
};

type Account = Partial<AccountTraits> & { name: string };
interface FakeVendor {
  can?: Partial<ProviderCapabilities>;
  accounts?: readonly Account[];
  lookup?: () => Promise<never>;
}

let vendors: Record<string, FakeVendor>;
/** Vendors that mjflow knows and that are not configured. */
let known: Record<string, Partial<ProviderCapabilities>>;
let health: Map<string, AccountHealth>;
let refreshed: (string | undefined)[];
let outcomes: unknown[];
let trials: string[];
let lookedUp: string[];
let mayTry: boolean;
let lines: string[];

beforeEach(() => {
  [vendors, known, health] = [{ one: {} }, {}, new Map()];
  [refreshed, outcomes, trials, lookedUp, lines, mayTry] = [[], [], [], [], [], true];
});

function createProviders(): Providers {
  const vendorOf = (id: string) => {
    const vendor = vendors[id];
    if (!vendor) return undefined;
    const accounts = (vendor.accounts ?? [{ name: "a" }]).map((each) => ({ weight: 1, ...each }));
    const lookup = async ([task]: readonly string[]) => {
      lookedUp.push(`${id} ${task}`);
      return vendor.lookup?.() ?? { reports: [], requests: 1 };
    };
    return {
      provider: { id, capabilities: { ...ALL, ...vendor.can }, lookup } as unknown as Provider,
      account: (name: string) =>
        accounts.some((each) => each.name === name) ? { baseUrl: `http://${id}.test`, apiKey: name } : undefined,
      accounts: () => accounts,
    };
  };
  return {
    ids: () => Object.keys(vendors),
    get: vendorOf,
    refresh: async (how?: "force") => void refreshed.push(how),
    known: () => Object.entries(known).map(([id, can]) => ({ id, capabilities: { ...ALL, ...can } })),
  } as unknown as Providers;
}

const healthOf = (provider: string, account: string) =>
  health.get(`${provider}/${account}`) ?? newHealth(provider, account, NOW);

function deps() {
  const note = (event: string) => void lines.push(event);
  return {
    providers: createProviders(),
    clock: { now: () => NOW },
    log: { info: note, warn: note, error: note, count: () => {} },
    accounts: {
      health: async (provider: string, account: string) => healthOf(provider, account),
      healths: async (refs: readonly { provider: string; account: string }[]) =>
        refs.map(({ provider, account }) => healthOf(provider, account)),
      tryHalfOpen: async (provider: string, account: string) => {
        trials.push(`${provider}/${account}`);
        return mayTry;
      },
      recordOutcome: async (provider: string, account: string, outcome: unknown) => {
        outcomes.push([`${provider}/${account}`, outcome]);
        return undefined;
      },
    },
  };
}

function setHealth(name: string, over: Partial<AccountHealth>): void {
  const [provider = "", account = ""] = name.split("/");
  health.set(name, { ...newHealth(provider, account, NOW), ...over });
}

const OPEN = { openUntil: NOW + 1 };
const HALF_OPEN = { openUntil: NOW };
const NEEDS: VendorNeeds = { action: "imagine", hasPrompt: true };

describe("a request that no vendor can serve", () => {
  const problem = (id: string | undefined, needs: VendorNeeds) => {
    try {
      checkProvider(deps(), id, needs);
    } catch (error) {
      if (!(error instanceof MjflowError)) throw error;
      const { code, field, message: detail, extra } = error;
      return { code, field, detail, extra };
    }
    return undefined;
  };

  test("a provider that can serve it is no problem, and with auto one of several is enough", () => {
    vendors = { one: { can: { rootActions: [] } }, two: {} };
    expect([problem("two", NEEDS), problem("auto", NEEDS)]).toEqual([undefined, undefined]);
  });

  test.each([
    [undefined, "is required: this stage has no default"],
    ["none", "No such provider is configured."],
  ])("without a configured provider (%s) the error names the configured ones", (id, detail) => {
    const problemOf = { code: "invalid_request", field: "provider", detail, extra: { providers: ["one"] } };
    expect(problem(id, NEEDS)).toEqual(problemOf);
  });

  const NO_VENDOR = "No vendor that mjflow knows can.";
  const CASES: [string, Partial<ProviderCapabilities>, VendorNeeds, object][] = [
    [
      "the action",
      { rootActions: ["blend"] },
      NEEDS,
      {
        field: "action",
        detail: `one cannot do "imagine". ${NO_VENDOR}`,
        extra: { actions: ["blend"], providers: [] },
      },
    ],
    [
      "the mode",
      { modes: ["fast"] },
      { ...NEEDS, mode: "relax" },
      {
        field: "mode",
        detail: `mode: one has no mode "relax". ${NO_VENDOR}`,
        extra: { modes: ["fast"], provider: "one", providers: [] },
      },
    ],
    [
      "a field",
      {},
      { ...NEEDS, optionalFields: ["botType" as never] },
      {
        field: "botType",
        detail: `botType: one has no such field. ${NO_VENDOR}`,
        extra: { provider: "one", providers: [] },
      },
    ],
    [
      "a missing prompt",
      { promptActions: ["imagine"] },
      { action: "imagine" },
      {
        field: "prompt",
        detail: `prompt: one requires a prompt for "imagine". ${NO_VENDOR}`,
        extra: { provider: "one", providers: [] },
      },
    ],
    [
      "data instead of a link",
      { linksOnly: ["imagine"] },
      { ...NEEDS, dataField: "base64Array[0]" },
      {
        field: "base64Array[0]",
        detail: `base64Array[0]: one takes only links for "imagine". Send a link or an upload. ${NO_VENDOR}`,
        extra: { provider: "one", providers: [] },
      },
    ],
    [
      "a link",
      { imageLinks: false },
      { ...NEEDS, linkField: "base64Array[1]" },
      {
        code: "image_rejected",
        field: "base64Array[1]",
        detail: expect.stringMatching(/ MB in all\. one takes no links\. No vendor that mjflow knows can\.$/),
        extra: expect.objectContaining({ reason: "too_large", provider: "one", providers: [] }),
      },
    ],
    [
      "a press of the plan",
      { unsupportedPresses: ["reroll"] },
      { ...NEEDS, then: [{ press: "U1", then: [{ press: "reroll" }] }] },
      {
        code: "press_unsupported",
        field: "then[0].then[0].press",
        detail: `then[0].then[0].press: one can never press "reroll". ${NO_VENDOR}`,
        extra: { press: "reroll", provider: "one", providers: [] },
      },
    ],
  ];

  test.each(CASES)("the error about %s names the field, the vendor and who can", (_, can, needs, expected) => {
    vendors = { one: { can } };
    known = { far: can };
    expect(problem("one", needs)).toEqual({ code: "invalid_request", ...expected });
  });

  test("the error names the configured providers that can; without one, the vendors that could be configured", () => {
    vendors = { one: { can: { rootActions: ["blend"] } } };
    known = { far: {}, wide: {}, poor: { rootActions: [] } };
    expect(problem("one", NEEDS)?.detail).toBe('one cannot do "imagine". Vendors that can: far, wide.');
    vendors["two"] = {};
    vendors["three"] = {};
    expect(problem("one", NEEDS)).toMatchObject({
      detail: 'one cannot do "imagine". Configured providers that can: two, three.',
      extra: { providers: ["two", "three"] },
    });
  });

  test("with auto the error is about a vendor that supports the action", () => {
    vendors = { one: { can: { rootActions: [] } }, two: { can: { modes: ["fast"] } } };
    expect(problem("auto", { ...NEEDS, mode: "relax" })).toMatchObject({
      field: "mode",
      detail: `mode: two has no mode "relax". No provider configured here supports all of this request. ${NO_VENDOR}`,
      extra: { modes: ["fast"], provider: "two" },
    });
  });

  test("with auto and no vendor for the action the error names the configured ones", () => {
    vendors = { one: { can: { rootActions: [] } }, two: { can: { rootActions: ["blend"] } } };
    expect(problem("auto", NEEDS)).toEqual({
      code: "invalid_request",
      field: "action",
      detail: `No provider configured here can do "imagine". ${NO_VENDOR}`,
      extra: { providers: ["one", "two"] },
    });
  });
});

describe("the account of a task", () => {
  test("is found with its limit, without a forced read", async () => {
    vendors = { one: { accounts: [{ name: "a" }, { name: "b", maxRunning: 3 }] } };
    const { providers } = deps();
    const found = await findAccountOfTask(providers, { provider: "one", account: "b" });
    expect(found).toMatchObject({ config: { apiKey: "b" }, maxRunning: 3, provider: { id: "one" } });
    expect((await findAccountOfTask(providers, { provider: "one", account: "a" }))?.maxRunning).toBeUndefined();
    expect(refreshed).toEqual([undefined, undefined]);
  });

  test.each([
    ["another account", "one", "b"],
    ["another vendor", "two", "a"],
  ])("that is missing is read once more, because %s may have been added", async (_, provider, account) => {
    const { providers } = deps();
    expect(await findAccountOfTask(providers, { provider, account })).toBeUndefined();
    expect(refreshed).toEqual([undefined, "force"]);
    providers.refresh = async (how) => {
      if (how === "force") vendors = { one: { accounts: [{ name: "a" }, { name: "b" }] }, two: {} };
    };
    expect(await findAccountOfTask(providers, { provider, account })).toBeDefined();
  });
});

describe("a new root", () => {
  const select = (over: Partial<Parameters<typeof selectRootAccount>[1]> = {}) =>
    selectRootAccount(deps(), { provider: "one", needs: NEEDS, flowId: "flow_1", allowOpen: false, ...over });

  test("gets an account of its provider, after the accounts were refreshed", async () => {
    expect(await select()).toEqual({ provider: "one", account: "a", anyProvider: false });
    expect(refreshed).toEqual([undefined]);
  });

  test("gets no account of weight 0", async () => {
    vendors = { one: { accounts: [{ name: "a", weight: 0 }, { name: "b" }] } };
    expect(await select()).toMatchObject({ account: "b" });
    vendors = { one: { accounts: [{ name: "a", weight: 0 }] } };
    await expect(select()).rejects.toMatchObject({
      code: "invalid_request",
      field: "provider",
      message: "No account of this provider accepts new flows now (weight 0).",
    });
  });

  test("gets the same account for the same flow, and all accounts get flows", async () => {
    vendors = { one: { accounts: [{ name: "a" }, { name: "b" }] } };
    const chosen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { account } = await select({ flowId: `flow_${i}` });
      expect(await select({ flowId: `flow_${i}` })).toMatchObject({ account });
      chosen.add(account);
    }
    expect([...chosen].sort()).toEqual(["a", "b"]);
  });

  test("with auto gets a vendor that meets the preferred needs, or else one that meets the needs", async () => {
    vendors = { one: { can: { rootActions: [] } }, two: {}, three: { can: { modes: ["turbo"] } } };
    const preferred = { ...NEEDS, mode: "turbo" as const };
    expect(await select({ provider: "auto", preferred })).toEqual({
      provider: "three",
      account: "a",
      anyProvider: true,
    });
    delete vendors["three"];
    expect(await select({ provider: "auto", preferred })).toMatchObject({ provider: "two", anyProvider: true });
    expect(await select({ provider: "auto" })).toMatchObject({ provider: "two" });
  });

  test("gets no account whose breaker is open while another one is closed", async () => {
    vendors = { one: { accounts: [{ name: "a" }, { name: "b" }] } };
    setHealth("one/a", OPEN);
    for (let i = 0; i < 10; i++) expect(await select({ flowId: `flow_${i}` })).toMatchObject({ account: "b" });
  });

  test("gets the only account without a look at its health, whatever its breaker says", async () => {
    setHealth("one/a", { ...HALF_OPEN, probeId: "7" });
    expect(await select()).toMatchObject({ account: "a" });
    expect(trials).toEqual([]);
  });
});

describe("a trial of a half-open account", () => {
  /** Chooses between a half-open account and one that is closed, until the half-open one is drawn. */
  async function draw(allowOpen = false) {
    vendors = { one: { accounts: [{ name: "a" }, { name: "b" }], ...vendors["one"] } };
    for (let i = 0; i < 200 && trials.length === 0; i++) {
      const { account } = await selectRootAccount(deps(), {
        ...{ provider: "one", needs: NEEDS, flowId: `flow_${i}`, allowOpen },
      });
      if (trials.length > 0) return account;
    }
    return "never";
  }
  const refused = async () => {
    throw new LookupError("401", { unauthorized: true });
  };
  const unreachable = async () => {
    throw new LookupError("refused", { unreachable: true });
  };
  const broken = async () => {
    throw new LookupError("502");
  };
  const bug = async () => {
    throw new TypeError("a bug");
  };

  test.each([
    ["no task is known", {}, undefined, "a", []],
    ["the look-up works", { probeId: "7", fault: "unclear" }, undefined, "a", []],
    ["the look-up says nothing", { probeId: "7", fault: "unclear" }, broken, "a", []],
    ["the look-up has a bug", { probeId: "7", fault: "unclear" }, bug, "a", []],
    ["the key is refused", { probeId: "7", fault: "unclear" }, refused, "b", [["one/a", { fault: "unclear" }]]],
    ["nothing is reached", { probeId: "7" }, unreachable, "b", [["one/a", { fault: "unclear" }]]],
    ["the key works again", { probeId: "7", fault: "unauthorized" }, undefined, "a", [["one/a", "worked"]]],
    ["the vendor is reached again", { probeId: "7", fault: "unreachable" }, undefined, "a", [["one/a", "worked"]]],
  ] as const)(
    "if %s, the root goes there or to another account, and the outcome is recorded",
    async (_, over, lookup, account, recorded) => {
      setHealth("one/a", { ...HALF_OPEN, ...over });
      if (lookup) vendors = { one: { lookup } };
      expect(await draw()).toBe(account);
      expect(trials).toEqual(["one/a"]);
      expect(lookedUp).toEqual("probeId" in over ? ["one 7"] : []);
      expect(outcomes).toEqual(recorded);
    },
  );

  test("an account without money gets a root only if the root can fail over", async () => {
    setHealth("one/a", { ...HALF_OPEN, probeId: "7", fault: "out_of_money" });
    expect(await draw(false)).toBe("never");
    expect(await draw(true)).toBe("a");
    expect(outcomes).toEqual([]);
  });

  test("a root that lost the trial to another worker goes to another account", async () => {
    setHealth("one/a", { ...HALF_OPEN, probeId: "7" });
    mayTry = false;
    expect(await draw()).toBe("b");
    expect(lookedUp).toEqual([]);
  });
});

const FLOW = { id: "flow_1", action: "imagine", prompt: "a boat" } as Flow;
const ROOT = {
  ...{ flowId: "flow_1", path: "0", provider: "one", account: "a", attempt: 0, phase: "submit", status: "PENDING" },
} as Task;

describe("a root whose account has no room", () => {
  const asked: unknown[] = [];
  beforeEach(() => {
    asked.length = 0;
    vendors = { one: { accounts: [{ name: "a" }, { name: "b", maxRunning: 2 }] }, two: { can: { modes: ["fast"] } } };
  });
  const free = (over: { flow?: Partial<Flow>; task?: Partial<Task>; has?: (name: string) => boolean } = {}) =>
    findFreeAccount(deps(), { ...FLOW, ...over.flow }, { ...ROOT, ...over.task }, async (ref, maxRunning) => {
      asked.push([ref, maxRunning]);
      return over.has?.(`${ref.provider}/${ref.account}`) ?? true;
    });

  test("moves to another account of its provider, which is asked for room with its limit", async () => {
    expect(await free()).toEqual({ provider: "one", account: "b" });
    expect(asked).toEqual([[{ provider: "one", account: "b" }, 2]]);
  });

  test("stays if no other account has room, is closed or exists", async () => {
    expect(await free({ has: () => false })).toBeUndefined();
    setHealth("one/b", OPEN);
    expect(await free()).toBeUndefined();
    vendors = { one: {} };
    expect(await free()).toBeUndefined();
  });

  test("moves to another vendor only if the flow may, and only to one that meets its needs", async () => {
    vendors = { one: {}, two: { can: { modes: ["fast"] } } };
    expect(await free()).toBeUndefined();
    expect(await free({ flow: { anyProvider: true } })).toEqual({ provider: "two", account: "a" });
    expect(await free({ flow: { anyProvider: true, mode: "relax" } })).toBeUndefined();
  });

  test.each([
    ["its images are data", { inputsRef: "inputs/1" }, { linksOnly: ["imagine"] }],
    ["an image is a link", { inputsRef: "inputs/1", linkField: "base64Array[0]" }, { imageLinks: false }],
    ["its plan has such a press", { then: [{ press: "reroll" }] }, { unsupportedPresses: ["reroll"] }],
    ["it has such a field", { optionalFields: ["botType"] }, { optionalFields: [] }],
  ] as [string, Partial<Task>, Partial<ProviderCapabilities>][])(
    "does not move to a vendor that cannot serve it: %s",
    async (_, task, can) => {
      vendors = { one: {}, two: { can } };
      expect(await free({ flow: { anyProvider: true }, task })).toBeUndefined();
      vendors["three"] = { can: { optionalFields: ["botType" as never] } };
      expect(await free({ flow: { anyProvider: true }, task })).toEqual({ provider: "three", account: "a" });
    },
  );

  test.each([
    [undefined, "imagine"],
    ["  ", "imagine"],
  ])("does not move to a vendor that needs a prompt if its prompt is %j", async (prompt, action) => {
    vendors = { one: {}, two: { can: { promptActions: [action as never] } } };
    const flow = { anyProvider: true as const, prompt };
    expect(await free({ flow: flow as Partial<Flow> })).toBeUndefined();
    expect(await free({ flow: { anyProvider: true } })).toEqual({ provider: "two", account: "a" });
  });

  test("a branch stays, because its buttons belong to its account", async () => {
    expect(await free({ task: { path: "0-0" } })).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("three accounts are asked for room, no more", async () => {
    vendors = { one: { accounts: ["a", "b", "c", "d", "e"].map((name) => ({ name })) } };
    expect(await free({ has: () => false })).toBeUndefined();
    expect(new Set(asked.map((each) => JSON.stringify(each))).size).toBe(3);
    asked.length = 0;
    expect(await free({ has: () => asked.length === 3 })).toBeDefined();
  });

  test("a failure is logged, and the root stays", async () => {
    const failing = free({
      has: () => {
        throw new Error("the table is down");
      },
    });
    expect(await failing).toBeUndefined();
    expect(lines).toEqual(["account-selection.failed"]);
  });
});

describe("a root whose account is lost", () => {
  const failover = (flow: Partial<Flow> = {}, task: Partial<Task> = {}) =>
    findFailoverAccount(deps(), { ...FLOW, onVendorLoss: "restart", ...flow }, { ...ROOT, ...task });

  test("fails over to another account of its vendor, before another vendor", async () => {
    vendors = { one: { accounts: [{ name: "a" }, { name: "b" }] }, two: {} };
    for (let attempt = 0; attempt < 10; attempt++)
      expect(await failover({}, { attempt })).toEqual({ provider: "one", account: "b" });
  });

  test.each([
    ["the other account is not available", { one: { accounts: [{ name: "a" }, { name: "b" }] }, two: {} }, OPEN],
    ["its vendor has no other account", { one: {}, two: {} }, {}],
    ["its vendor was removed", { two: {} }, {}],
  ] as [string, Record<string, FakeVendor>, object][])("fails over to another vendor if %s", async (_, some, b) => {
    vendors = some;
    setHealth("one/b", b);
    // Otherwise the open account of its vendor would be a last choice.
    if (vendors["one"]?.accounts) setHealth("one/b", { ...b, fault: "out_of_money" });
    expect(await failover()).toEqual({ provider: "two", account: "a" });
  });

  test("ends if the app did not ask for a failover, if it is no root, or if no vendor is left", async () => {
    vendors = { one: {}, two: {} };
    expect(await failover({ onVendorLoss: undefined as never })).toBeUndefined();
    expect(await failover({}, { path: "0-1" })).toBeUndefined();
    vendors = { one: {} };
    expect(await failover()).toBeUndefined();
    vendors = { one: {}, two: {} };
    setHealth("two/a", { ...OPEN, fault: "unauthorized" });
    expect(await failover()).toBeUndefined();
  });

  test("with any provider, accounts of all vendors are chosen together", async () => {
    vendors = { one: { accounts: [{ name: "a" }, { name: "b" }] }, two: {} };
    const chosen = new Set<string>();
    for (let attempt = 0; attempt < 30; attempt++)
      chosen.add((await failover({ anyProvider: true }, { attempt }))!.provider);
    expect([...chosen].sort()).toEqual(["one", "two"]);
  });

  test("whether another vendor can serve it is decided by the root, although a branch has failed", async () => {
    vendors = { one: {}, two: { can: { unsupportedPresses: ["reroll"] } } };
    const root = { ...ROOT, then: [{ press: "reroll" }] } as Task;
    expect(await selectFailoverAccount(deps(), FLOW, ROOT, root)).toBeUndefined();
    expect(await selectFailoverAccount(deps(), FLOW, root, ROOT)).toEqual({ provider: "two", account: "a" });
  });

  test("an account that waits is a last choice at another vendor", async () => {
    vendors = { one: {}, two: {} };
    setHealth("two/a", { busyUntil: NOW + 1 });
    expect(await failover()).toEqual({ provider: "two", account: "a" });
  });
});
