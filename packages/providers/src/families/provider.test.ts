/** A provider whose family is loaded on demand. */
import type { CallContext } from "@mjflow/core/port";
import { expect, test } from "vitest";
import type { Calls, Form } from "../family.ts";
import { createFamilyProvider } from "./provider.ts";

const account = { baseUrl: "https://vendor.example", apiKey: "key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "s" };
const deps = { httpClient: async () => ({ kind: "lost", reason: "timeout" }) as const, submitTimeoutMs: 1 };

/** A family whose calls return their name and arguments. Its code cannot be loaded the first `broken` times. */
function family(broken = 0) {
  const loads: unknown[] = [];
  let left = broken;
  const names = ["submit", "press", "modal", "upload", "lookup", "search", "seed"];
  const calls = Object.fromEntries(
    names.map((name) => [name, async (...args: unknown[]) => [name, ...args]]),
  ) as unknown as Calls;
  const form: Form = {
    id: "fam",
    title: "Family",
    capabilities: { seed: false, modals: true } as Form["capabilities"],
    unproven: { wings: { seed: true }, tail: { modals: false } },
    async load() {
      if (left-- > 0) throw new Error("no such file");
      return {
        connect(...given) {
          loads.push(given);
          return calls;
        },
      };
    },
  };
  return { form, loads };
}

const root = { action: "imagine", prompt: "a boat", inputs: {} } as const;
const press = { vendorTaskId: "1", customId: "c" };

test("every call goes to the family, which is loaded once with what is turned on", async () => {
  const { form, loads } = family();
  const provider = createFamilyProvider(form, deps, ["wings"]);
  expect(loads).toEqual([]);
  expect(await provider.submit(root, context)).toEqual(["submit", root, context]);
  expect(await provider.press(press, context)).toEqual(["press", press, context]);
  expect(await provider.modal({ vendorTaskId: "1" }, context)).toEqual(["modal", { vendorTaskId: "1" }, context]);
  expect(await provider.upload(["x"], account)).toEqual(["upload", ["x"], account]);
  expect(await provider.lookup(["1"], account)).toEqual(["lookup", ["1"], account]);
  expect(await provider.search(["s"], account)).toEqual(["search", ["s"], account]);
  expect(await provider.seed("1", account)).toEqual(["seed", "1", account]);
  expect(loads).toEqual([[deps, new Set(["wings"])]]);
});

test("a provider has the capabilities of its form and of what is turned on", () => {
  const { form } = family();
  const of = (...names: string[]) => createFamilyProvider(form, deps, names);
  expect(of()).toMatchObject({ id: "fam", title: "Family" });
  expect(createFamilyProvider(form, deps).capabilities).toEqual({ seed: false, modals: true });
  expect(of("wings").capabilities).toEqual({ seed: true, modals: true });
  expect(of("wings", "tail").capabilities).toEqual({ seed: true, modals: false });
  expect(form.capabilities).toEqual({ seed: false, modals: true });
});

test("if the code cannot be loaded a paid call waits, a look-up fails, and the next call loads it again", async () => {
  const { form, loads } = family(6);
  const provider = createFamilyProvider(form, deps);
  const busy = { kind: "busy", reason: "the code of the family was not loaded", about: "connection" };
  expect(await provider.submit(root, context)).toEqual(busy);
  expect(await provider.press(press, context)).toEqual(busy);
  expect(await provider.upload([], account)).toEqual(busy);
  await expect(provider.lookup(["1"], account)).rejects.toThrow("no such file");
  await expect(provider.search(["s"], account)).rejects.toThrow("no such file");
  await expect(provider.seed("1", account)).rejects.toThrow("no such file");
  expect(loads).toEqual([]);
  expect(await provider.lookup(["1"], account)).toEqual(["lookup", ["1"], account]);
  expect(loads).toHaveLength(1);
});
