/** Conformance suite of the port `VendorStore` on every kind of table. */
import { randomBytes } from "node:crypto";
import type { StoredAccount } from "@mjflow/core/account";
import type { Table } from "@mjflow/store/table";
import { createVendorStore } from "@mjflow/store/vendor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW, newFlow } from "./factory.ts";

export function vendorCase(title: string, make: () => Promise<{ table: Table; stop(): Promise<void> }>): void {
  describe(`vendor store: ${title}`, () => {
    let made: Awaited<ReturnType<typeof make>>;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.stop());
    const open = () => createVendorStore(made.table);
    const newName = () => `a_${randomBytes(4).toString("hex")}`;
    const account = (name: string, more: Partial<StoredAccount> = {}): StoredAccount => ({
      ...{ provider: "trueai-org", name, rev: 0, baseUrl: "https://x.test/y", sealed: "1.a.b", weight: 0 },
      ...{ maxRunning: 3, createdAt: NOW, updatedAt: NOW + 1 },
      ...more,
    });

    test("a stored account is read unchanged, alone and in the list of all accounts", async () => {
      const [full, bare] = [account(newName()), account(newName(), { provider: "agicto", baseUrl: undefined })];
      for (const each of [full, bare]) expect(await open().saveStoredAccount(each)).toMatchObject({ ok: true });
      expect(await open().storedAccount("trueai-org", full.name)).toEqual({ ...full, rev: 1 });
      expect(await open().storedAccount("agicto", full.name)).toBeUndefined();
      const all = await open().storedAccounts();
      expect(all).toContainEqual({ ...full, rev: 1 });
      expect(all.find(({ name }) => name === bare.name)).toEqual({ ...bare, rev: 1 });
    });

    test("one of two concurrent changes of an account succeeds, and an existing account is not created again", async () => {
      const name = newName();
      await open().saveStoredAccount(account(name));
      const changes = [1, 2].map((weight) => open().saveStoredAccount(account(name, { rev: 1, weight })));
      expect((await Promise.all(changes)).filter(({ ok }) => ok)).toHaveLength(1);
      expect(await open().saveStoredAccount(account(name))).toMatchObject({ ok: false, current: { rev: 2 } });
    });

    test("an account is deleted only with its current revision", async () => {
      const name = newName();
      await open().saveStoredAccount(account(name));
      await open().deleteStoredAccount(account(name, { rev: 7 }));
      expect(await open().storedAccount("trueai-org", name)).toBeDefined();
      await open().deleteStoredAccount(account(name, { rev: 1 }));
      expect(await open().storedAccount("trueai-org", name)).toBeUndefined();
    });

    test("banned words of any script are read unchanged, and one of two concurrent writes succeeds", async () => {
      const before = await open().bannedList();
      const words = ["nude", "blue movie", "裸体", "e\u0301"];
      const list = { rev: before?.rev ?? 0, words, updatedAt: NOW };
      const both = await Promise.all([open().saveBannedList(list), open().saveBannedList(list)]);
      expect(both.filter(({ ok }) => ok)).toHaveLength(1);
      expect(await open().bannedList()).toEqual({ ...list, rev: list.rev + 1 });
      expect(await open().bannedRevision()).toBe(list.rev + 1);
      const again = { ...list, rev: list.rev + 1 };
      expect(await open().saveBannedList(again)).toMatchObject({ ok: true });
      expect(await open().bannedRevision()).toBe(list.rev + 2);
    });

    test("slots belong to one account, and the loser of two concurrent writes gets the winner's row", async () => {
      const name = newName();
      const slots = { provider: "p", account: name, rev: 0, held: [{ flowId: newFlow().id, path: "0-1", at: NOW }] };
      expect(await open().slots("p", name)).toBeUndefined();
      const both = await Promise.all([open().saveSlots(slots), open().saveSlots({ ...slots, held: [] })]);
      const [won, lost] = both[0]!.ok ? both : both.toReversed();
      expect(won).toMatchObject({ ok: true, item: { rev: 1 } });
      expect(lost).toEqual({ ok: false, current: won!.ok && won!.item });
      expect(await open().slots("p", name)).toEqual(won!.ok && won!.item);
      expect(await open().slots("other", name)).toBeUndefined();
    });
  });
}
