/** Stored vendor accounts, the slots of an earlier version and the banned words in the table: small rows that never expire. */
import type { EarlierSlots, StoredAccount } from "@mjflow/core/account";
import type { BannedList } from "@mjflow/core/banned";
import type { VendorStore } from "@mjflow/core/port";
import { type Fields, fieldsOf, type Item, keyOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { ATTRIBUTE, BANNED_KEY, BANNED_LISTING, slotsKey, storedAccountKey, VENDORS_PK } from "./keys.ts";
import { save } from "./save.ts";
import type { Table } from "./table.ts";

/** `provider` and `name` are in the key. */
const ACCOUNT = {
  rev: [REV_ATTRIBUTE, "number"],
  baseUrl: ["url", "text"],
  sealed: ["se", "text"],
  weight: ["we", "number"],
  maxRunning: ["mr", "number"],
  createdAt: ["cr", "number"],
  updatedAt: ["up", "number"],
} as const satisfies Fields<Exclude<keyof StoredAccount, "provider" | "name">>;

/** `provider` and `account` are in the key. */
const SLOTS = {
  rev: [REV_ATTRIBUTE, "number"],
  held: ["he", "json"],
} as const satisfies Fields<Exclude<keyof EarlierSlots, "provider" | "account">>;

const BANNED = {
  rev: [REV_ATTRIBUTE, "number"],
  words: ["wo", "json"],
  updatedAt: ["up", "number"],
} as const satisfies Fields<keyof BannedList>;

export function createVendorStore(table: Table): VendorStore {
  return {
    async storedAccounts() {
      return (await table.partition(VENDORS_PK)).map(accountOf);
    },
    async storedAccount(provider, name) {
      const item = await table.get(storedAccountKey(provider, name));
      return item && accountOf(item);
    },
    saveStoredAccount: (account) => save(table, account, accountItem, accountOf),
    deleteStoredAccount: ({ provider, name, rev }) => table.delete(storedAccountKey(provider, name), rev),
    async bannedList() {
      const item = await table.get(BANNED_KEY);
      return item && bannedOf(item);
    },
    async bannedRevision() {
      const [entry] = await table.list({ index: "app", partition: BANNED_LISTING, limit: 1 });
      const rev = entry?.[ATTRIBUTE.listedAt]?.S;
      return rev === undefined ? undefined : Number(rev);
    },
    saveBannedList: (list) => save(table, list, bannedItem, bannedOf),
    async slots(provider, account) {
      const item = await table.get(slotsKey(provider, account));
      return item && slotsOf(provider, account, item);
    },
    saveSlots: (slots) => save(table, slots, slotsItem, (item) => slotsOf(slots.provider, slots.account, item)),
  };
}

function accountItem(account: StoredAccount): Item {
  return row(storedAccountKey(account.provider, account.name), ACCOUNT, account);
}

function accountOf(item: Item): StoredAccount {
  const [provider, name] = keyOf(item).sk.split("#");
  return { provider, name, ...fieldsOf(item, ACCOUNT) } as StoredAccount;
}

/** The entry in the index of listings shows the revision without the words. Earlier versions write rows without it. */
function bannedItem(list: BannedList): Item {
  const entry = { [ATTRIBUTE.appId]: { S: BANNED_LISTING }, [ATTRIBUTE.listedAt]: { S: String(list.rev) } };
  return { ...row(BANNED_KEY, BANNED, list), ...entry };
}

function bannedOf(item: Item): BannedList {
  const { [ATTRIBUTE.appId]: _, [ATTRIBUTE.listedAt]: __, ...list } = item;
  return { words: [], ...fieldsOf(list, BANNED) } as unknown as BannedList;
}

function slotsItem(slots: EarlierSlots): Item {
  return row(slotsKey(slots.provider, slots.account), SLOTS, slots);
}

/** @throws ItemError if newer code wrote the row */
export function slotsOf(provider: string, account: string, item: Item): EarlierSlots {
  return { provider, account, held: [], ...fieldsOf(item, SLOTS) } as unknown as EarlierSlots;
}
