/** Conformance suite of the port `AppStore` (core/port.ts): apps, keys, idempotency records, credit and grants. */
import { randomBytes } from "node:crypto";
import { type App, type AppKey, appIdOf, newKeyText } from "@mjflow/core/app";
import { applyCreditChange, type CreditCounter, firstDueAt, grantChange } from "@mjflow/core/credit";
import { counterOfRow, newCreditRow } from "@mjflow/core/credit-row";
import type { IdempotencyRecord } from "@mjflow/core/idempotency";
import type { Store } from "@mjflow/core/port";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dueEntries } from "../support/due.ts";
import { creditChangeOf, creditStep } from "./credit-step.ts";
import { NOW } from "./factory.ts";
import type { StoreMaker } from "./store.case.ts";

const DAY = 24 * 3_600_000;

export function appCase(title: string, make: () => Promise<StoreMaker>): void {
  describe(`apps: ${title}`, () => {
    let maker: StoreMaker;
    let store: Store;
    let now = NOW;

    beforeAll(async () => {
      maker = await make();
      store = maker.open({ now: () => now });
    });
    afterAll(() => maker?.stop());

    const newApp = (fields: Partial<App> = {}): App => {
      const createdAt = fields.createdAt ?? NOW;
      return { id: appIdOf(createdAt, randomBytes(10)), rev: 0, name: 'a "shop" 🛶', createdAt, ...fields };
    };
    const newKey = (appId: string, fields: Partial<AppKey> = {}): AppKey => {
      const { id } = newKeyText(appId, randomBytes(25));
      return { appId, id, rev: 0, sha256: "ab".repeat(32), createdAt: NOW, ...fields };
    };

    test("an app is created once and is changed only with its current revision", async () => {
      const app = newApp({ limits: { flowsPerMinute: 5, creditsUsd: 0.5 } });
      expect(await store.app(app.id)).toBeUndefined();
      expect(await store.saveApp(app)).toEqual({ ok: true, item: { ...app, rev: 1 } });
      expect(await store.saveApp({ ...app, name: "another" })).toEqual({ ok: false, current: { ...app, rev: 1 } });
      const changed = { ...app, rev: 1, limits: undefined, disabledAt: NOW };
      expect(await store.saveApp(changed)).toMatchObject({ ok: true });
      expect(await store.app(app.id)).toEqual({ ...app, rev: 2, limits: undefined, disabledAt: NOW });
    });

    test("a template is stored, replaced and deleted only with its current revision, and each app has its own", async () => {
      const [app, other] = [newApp().id, newApp().id];
      const then = [{ press: ["U1", "U2"], then: [{ press: "zoom:custom", prompt: "ünïcode 🛶" }] }];
      const template = { appId: app, name: "four.upscales", rev: 0, then, createdAt: NOW, updatedAt: NOW };
      expect(await store.template(app, template.name)).toBeUndefined();
      expect(await store.saveTemplate(template)).toEqual({ ok: true, item: { ...template, rev: 1 } });
      expect(await store.saveTemplate({ ...template, then: [] })).toEqual({
        ok: false,
        current: { ...template, rev: 1 },
      });
      const changed = { ...template, rev: 1, description: "all", updatedAt: NOW + 1 };
      expect(await store.saveTemplate(changed)).toEqual({ ok: true, item: { ...changed, rev: 2 } });
      await store.saveTemplate({ ...template, name: "another" });
      expect((await store.templates(app)).map(({ name }) => name)).toEqual(["another", "four.upscales"]);
      expect(await store.templates(other)).toEqual([]);
      expect(await store.template(other, template.name)).toBeUndefined();
      await store.deleteTemplate(template).catch(() => {});
      expect(await store.template(app, template.name)).toEqual({ ...changed, rev: 2 });
      await store.deleteTemplate({ ...changed, rev: 2 });
      expect(await store.template(app, template.name)).toBeUndefined();
    });

    test("the share links of a flow are listed until they expire, and deleted together with the expired ones", async () => {
      const [owner, other] = [newApp().id.replace("app_", "flow_"), newApp().id.replace("app_", "flow_")];
      const token = { kind: "share" as const, owner, id: "7QK2M9XA", rev: 0, sha256: "ab", createdAt: NOW };
      const active = { ...token, expiresAt: NOW + 86_400_000, hidesPrompt: true };
      const expired = { ...token, id: "7QK2M9XB", expiresAt: NOW - 1_000 };
      for (const one of [active, expired, { ...active, owner: other }]) {
        expect(await store.saveAccessToken(one)).toEqual({ ok: true, item: { ...one, rev: 1 } });
      }
      expect(await store.accessTokens(owner)).toEqual([{ ...active, rev: 1 }]);
      expect(await store.accessToken(owner, expired.id)).toEqual({ ...expired, rev: 1 });
      await store.deleteAccessTokens(owner);
      expect(await store.accessToken(owner, active.id)).toBeUndefined();
      expect(await store.accessToken(owner, expired.id)).toBeUndefined();
      expect(await store.accessTokens(other)).toHaveLength(1);
      await store.deleteAccessTokens(owner);
    });

    test("an app is read together with the named key and with no other key", async () => {
      const app = newApp();
      const [one, other] = [newKey(app.id), newKey(app.id)];
      await store.saveApp(app);
      await store.saveAppKey(one);
      await store.saveAppKey(other);
      expect(await store.appWithKey(app.id, one.id)).toEqual({ app: { ...app, rev: 1 }, key: { ...one, rev: 1 } });
      expect(await store.appWithKey(app.id, "key_00000000")).toEqual({ app: { ...app, rev: 1 }, key: undefined });
      expect(await store.appWithKey(newApp().id, one.id)).toEqual({ app: undefined, key: undefined });
      expect((await store.appKeys(app.id)).map((key) => key.id).sort()).toEqual([one.id, other.id].sort());
    });

    test("a key is changed only with its current revision, and is left out a month after its end", async () => {
      const key = newKey(newApp().id);
      await store.saveAppKey(key);
      const used = { ...key, rev: 1, usedOn: "2026-11-21", revokedAt: NOW };
      expect(await store.saveAppKey(used)).toMatchObject({ ok: true });
      expect(await store.saveAppKey({ ...key, rev: 1 })).toEqual({ ok: false, current: { ...used, rev: 2 } });
      try {
        now = NOW + 29 * DAY;
        expect(await store.appKeys(key.appId)).toHaveLength(1);
        now = NOW + 31 * DAY;
        expect(await store.appKeys(key.appId)).toEqual([]);
        expect((await store.appWithKey(key.appId, key.id)).key).toBeUndefined();
      } finally {
        now = NOW;
      }
    });

    test("an idempotency record is created once and is changed only with its current revision", async () => {
      const { id: appId } = newApp();
      for (const key of ["a", "#b#idem", "x".repeat(255)]) {
        const fields = { fingerprint: "f", target: "flow_x", state: "running" as const };
        const claim: IdempotencyRecord = { appId, key, rev: 0, ...fields, leaseUntil: 7, createdAt: NOW };
        expect(await store.saveIdempotency(claim)).toEqual({ ok: true, item: { ...claim, rev: 1 } });
        expect(await store.saveIdempotency(claim)).toEqual({ ok: false, current: { ...claim, rev: 1 } });
        const done = { ...claim, rev: 1, state: "done" as const, leaseUntil: undefined };
        expect(await store.saveIdempotency(done)).toMatchObject({ ok: true, item: { rev: 2 } });
        expect(await store.saveIdempotency({ ...done, fingerprint: undefined })).toMatchObject({
          ok: false,
          current: { appId, key, rev: 2, state: "done", fingerprint: "f" },
        });
      }
    });

    test("a credit row of an earlier version is read and frozen once, and a grant is created once per reference", async () => {
      const { id: appId } = newApp();
      expect(await store.creditRow(appId)).toBeUndefined();
      const hold = { micro: 9, at: NOW, before: 0, awaits: ["0-mX"] };
      const credit = { ...newCreditRow(appId, NOW), reserved: 9, holds: { flow_a: hold }, fullAt: NOW + 0.125 };
      expect(await store.saveCreditRow(credit)).toEqual({ ok: true, item: { ...credit, rev: 1 } });
      expect(await store.creditRow(appId)).toEqual({ ...credit, rev: 1 });
      expect(await store.saveCreditRow(credit)).toEqual({ ok: false, current: { ...credit, rev: 1 } });
      const frozen = { ...credit, rev: 1, frozen: true as const };
      expect(await store.saveCreditRow(frozen)).toEqual({ ok: true, item: { ...frozen, rev: 2 } });
      expect(await store.creditRow(appId)).toEqual({ ...frozen, rev: 2 });
      const grant = {
        appId,
        reference: 'invoice "7" #🛶',
        rev: 0,
        micro: 5,
        state: "pending" as const,
        createdAt: NOW,
      };
      expect(await store.grant(appId, grant.reference)).toBeUndefined();
      await store.saveGrant(grant);
      expect(await store.saveGrant(grant)).toEqual({ ok: false, current: { ...grant, rev: 1 } });
      expect(await store.grant(appId, grant.reference)).toEqual({ ...grant, rev: 1 });
      expect((await store.appKeys(appId)).length).toBe(0);
    });

    test("a counter is created once, and a change of an app without a counter is refused", async () => {
      const { id: appId } = newApp();
      const counter = counterOfRow({ ...newCreditRow(appId, NOW), added: 7, applying: ["a.b."] }, NOW);
      const grant = grantChange({ reference: "x", micro: 5 }, NOW);
      expect(await store.changeCredit(appId, grant)).toMatchObject({ ok: false, current: undefined });
      expect(await store.creditCounter(appId)).toBeUndefined();
      await store.createCreditCounter({ ...counter, dueAt: NOW + 5 });
      await store.createCreditCounter({ ...counter, added: 9 });
      expect(await store.creditCounter(appId)).toEqual({ ...counter, rev: 1, dueAt: NOW + 5 });
    });

    test("each change of a counter in a random order has the result of the pure function", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(creditStep, { maxLength: 25 }), async (steps) => {
          const { id: appId } = newApp();
          let expected: CreditCounter = { ...counterOfRow(newCreditRow(appId, NOW), NOW), rev: 1 };
          await store.createCreditCounter(expected);
          for (const step of steps) {
            const change = creditChangeOf(step, expected, NOW);
            const next = change && applyCreditChange(expected, change);
            if (!change) continue;
            const result = await store.changeCredit(appId, change);
            expect(result.ok).toBe(next !== undefined);
            expected = next ?? expected;
            expect(result.ok ? result.counter : result.current).toEqual(expected);
          }
          expect(await store.creditCounter(appId)).toEqual(expected);
        }),
        { numRuns: 15 },
      );
    });

    test("a counter with an entry is due, and one without a due time is not", async () => {
      const { id: appId } = newApp();
      await store.createCreditCounter(counterOfRow(newCreditRow(appId, NOW), NOW));
      const listed = async () => {
        const due = await dueEntries(store, firstDueAt(NOW) + 60_000);
        return due.filter((ref) => ref.kind === "credit" && ref.appId === appId).map(({ dueAt }) => dueAt);
      };
      expect(await listed()).toEqual([]);
      await store.changeCredit(appId, grantChange({ reference: "x", micro: 5 }, NOW));
      await store.changeCredit(appId, grantChange({ reference: "y", micro: 5 }, NOW + 9_000));
      expect(await listed()).toEqual([firstDueAt(NOW)]);
      const [dueAt, at] = [firstDueAt(NOW), NOW];
      const repetition = { once: { at: "dueAt" as const, equals: dueAt } };
      const isRefused = await store.changeCredit(appId, {
        dueAt: null,
        when: [{ at: "rev", equals: 2 }],
        repetition,
        at,
      });
      expect(isRefused.ok).toBe(false);
      await store.changeCredit(appId, { dueAt: null, when: [{ at: "rev", equals: 3 }], repetition, at });
      expect(await listed()).toEqual([]);
    });

    test("a day is stored once, and the newest days are listed", async () => {
      const { id: appId } = newApp();
      const day = { flows: 2, settled: 5 };
      expect(await store.saveCreditDay(appId, "2027-01-14", day)).toBe(true);
      expect(await store.saveCreditDay(appId, "2027-01-14", day)).toBe(true);
      expect(await store.saveCreditDay(appId, "2027-01-14", { flows: 3, settled: 5 })).toBe(false);
      for (const date of ["2027-01-16", "2027-01-15"]) await store.saveCreditDay(appId, date, day);
      expect(await store.creditDays(appId, 2)).toEqual({ "2027-01-15": day, "2027-01-16": day });
    });

    test("each of 20 concurrent grants is added once, with one request each", async () => {
      const { id: appId } = newApp();
      await store.createCreditCounter(counterOfRow(newCreditRow(appId, NOW), NOW));
      const add = (n: number) => store.changeCredit(appId, grantChange({ reference: `r${n % 10}`, micro: 3 }, NOW));
      const results = await Promise.all(Array.from({ length: 20 }, (_, n) => add(n)));
      expect(results.filter(({ ok }) => ok)).toHaveLength(10);
      expect(await store.creditCounter(appId)).toMatchObject({ added: 30, used: -30, rev: 11 });
    });

    test("apps are listed newest first and page by page, without deleted apps", async () => {
      // Created later than the apps of the other tests, which share the table.
      const apps = [1, 2, 3, 4, 5].map((i) => newApp({ createdAt: NOW + 10_000 * DAY + i }));
      for (const app of apps) await store.saveApp(app);
      await store.saveApp({ ...apps[2]!, rev: 1, deletedAt: NOW });
      const [a, b, , d, e] = apps.map((app) => app.id);
      const first = await store.listApps(3);
      expect(first.apps.map((app) => app.id)).toEqual([e, d, b]);
      const second = await store.listApps(1, first.cursor);
      expect(second.apps.map((app) => app.id)).toEqual([a]);
      for (const broken of ["", "%%%", "bm8", first.cursor!.slice(0, -5)]) {
        await expect(store.listApps(1, broken)).rejects.toMatchObject({ code: "invalid_request", field: "cursor" });
      }
    });
  });
}
