/** Stored vendor accounts, the slots of an earlier version and the banned words in the table: small rows that never expire. */
import type { EarlierSlots, StoredAccount } from "@mjflow/core/account";
import type { BannedList } from "@mjflow/core/banned";
import type { VendorStore } from "@mjflow/core/port";
import { entity, listed } from "./entity.ts";
import { ATTRIBUTE, accountOfPk, BANNED_KEY, BANNED_LISTING, slotsKey, storedAccountKey, VENDORS_PK } from "./keys.ts";
import { createRows } from "./rows.ts";
import type { Table } from "./table.ts";

const ACCOUNT = entity<StoredAccount, "provider" | "name">()({
  key: ({ provider, name }) => storedAccountKey(provider, name),
  idOf({ sk }) {
    const [provider = "", name = ""] = sk.split("#");
    return { provider, name };
  },
  fields: {
    baseUrl: ["url", "text"],
    sealed: ["se", "text"],
    weight: ["we", "number"],
    maxRunning: ["mr", "number"],
    createdAt: ["cr", "number"],
    updatedAt: ["up", "number"],
  },
});

export const EARLIER_SLOTS = entity<EarlierSlots, "provider" | "account">()({
  key: ({ provider, account }) => slotsKey(provider, account),
  idOf: ({ pk }) => accountOfPk(pk),
  defaults: { held: [] },
  fields: {
    held: ["he", "json"],
  },
});

const BANNED = entity<BannedList>()({
  key: () => BANNED_KEY,
  idOf: () => ({}),
  defaults: { words: [] },
  // The entry in the index of listings shows the revision without the words. Earlier versions write rows without it.
  attributes: ({ rev }) => listed(BANNED_LISTING, String(rev)),
  fields: {
    words: ["wo", "json"],
    updatedAt: ["up", "number"],
  },
});

export function createVendorStore(table: Table): VendorStore {
  const accounts = createRows({ table }, ACCOUNT);
  const lists = createRows({ table }, BANNED);
  const slots = createRows({ table }, EARLIER_SLOTS);

  return {
    storedAccounts: () => accounts.partition(VENDORS_PK),
    storedAccount: (provider, name) => accounts.get({ provider, name }),
    saveStoredAccount: (account) => accounts.save(account),
    deleteStoredAccount: (account) => accounts.delete(account),
    bannedList: () => lists.get({}),
    async bannedRevision() {
      const [entry] = await table.list({ index: "app", partition: BANNED_LISTING, limit: 1 });
      const rev = entry?.[ATTRIBUTE.listedAt]?.S;
      return rev === undefined ? undefined : Number(rev);
    },
    saveBannedList: (list) => lists.save(list),
    slots: (provider, account) => slots.get({ provider, account }),
    saveSlots: (earlier) => slots.save(earlier),
  };
}
