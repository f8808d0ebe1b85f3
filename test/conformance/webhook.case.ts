/** Conformance suite of the port `WebhookStore` on every kind of table. */
import { type Delivery, deliveryIdOf, newDelivery } from "@mjflow/core/delivery";
import type { DeliveryRecord, FirstOutcome } from "@mjflow/core/delivery-log";
import { DUE_SHARDS, duePartitionOf } from "@mjflow/core/due";
import type { Endpoint } from "@mjflow/core/endpoint";
import { endReplay, newReplay, replayIdOf } from "@mjflow/core/replay";
import { keyOf } from "@mjflow/store/codec";
import { refOf } from "@mjflow/store/keys";
import type { Table } from "@mjflow/store/table";
import { createWebhookStore } from "@mjflow/store/webhook";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW, newFlow } from "./factory.ts";

export interface WebhookTable {
  table: Table;
  due(flowId: string): Promise<string[]>;
  stop(): Promise<void>;
}

const EP = "ep_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const endpoint = (appId: string, more: Partial<Endpoint> = {}): Endpoint => ({
  appId,
  id: EP,
  rev: 0,
  url: "https://app.test/x?y=1",
  scheme: "v1",
  secrets: [{ sealed: "1.a.b" }, { sealed: "1.c.d", until: NOW }],
  createdAt: NOW,
  ...more,
});

export function webhookCase(title: string, make: () => Promise<WebhookTable>): void {
  describe(`webhook store: ${title}`, () => {
    let made: WebhookTable;
    let apps = 0;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.stop());
    const open = () => createWebhookStore({ table: made.table, now: () => NOW });
    const newApp = () => `app_${title.replaceAll(" ", "_")}_${++apps}`;
    const delivery = (flowId: string, appId: string, more: Partial<Delivery> = {}): Delivery => ({
      ...newDelivery(
        { flowId, subject: "0-1", name: "completed", listener: EP, appId, type: "task.completed", happenedAt: NOW },
        NOW,
      ),
      ...more,
    });

    test("an endpoint is read unchanged, and only by its own app", async () => {
      const appId = newApp();
      const stored = endpoint(appId, { events: ["flow.failed"], description: "🛶", failingSince: 5 });
      expect(await open().saveEndpoint(stored)).toEqual({ ok: true, item: { ...stored, rev: 1 } });
      expect(await open().endpoints(appId)).toEqual([{ ...stored, rev: 1 }]);
      expect(await open().endpoint(appId, EP)).toEqual({ ...stored, rev: 1 });
      expect(await open().endpoint(newApp(), EP)).toBeUndefined();
    });

    test("one of two concurrent changes of an endpoint succeeds, and the loser gets the winner's row", async () => {
      const appId = newApp();
      await open().saveEndpoint(endpoint(appId));
      const [one, other] = await Promise.all([
        open().saveEndpoint(endpoint(appId, { rev: 1, description: "one" })),
        open().saveEndpoint(endpoint(appId, { rev: 1, description: "other" })),
      ]);
      const [won, lost] = one.ok ? [one, other] : [other, one];
      expect(won.ok && !lost.ok && lost.current).toEqual(won.ok && won.item);
    });

    test("an endpoint is deleted only with its current revision", async () => {
      const appId = newApp();
      await open().saveEndpoint(endpoint(appId));
      await open().deleteEndpoint(endpoint(appId, { rev: 7 }));
      expect(await open().endpoints(appId)).toHaveLength(1);
      await open().deleteEndpoint(endpoint(appId, { rev: 1 }));
      expect(await open().endpoints(appId)).toEqual([]);
    });

    test("a delivery is created once by concurrent writers, and is found by its id and its subject", async () => {
      const { id: flowId } = newFlow();
      const stored = delivery(flowId, newApp(), { attempts: [{ at: NOW, status: 500, tookMs: 3 }] });
      const both = await Promise.all([open().saveDelivery(stored), open().saveDelivery(stored)]);
      expect(both.filter(({ ok }) => ok)).toHaveLength(1);
      expect(await open().delivery(deliveryIdOf(stored))).toEqual({ ...stored, rev: 1 });
      await open().saveDelivery(delivery(flowId, stored.appId, { subject: "0-10" }));
      await open().saveDelivery(delivery(flowId, stored.appId, { subject: "flow" }));
      expect(await open().deliveriesOf(flowId, "0-1")).toEqual([{ ...stored, rev: 1 }]);
      expect(await open().deliveriesOf(flowId)).toHaveLength(3);
    });

    test("the deliveries of a deleted flow and its log are removed, and those of others stay (D13)", async () => {
      const [{ id: flowId }, other, appId] = [newFlow(), newFlow(), newApp()];
      await open().saveDelivery(delivery(flowId, appId));
      await open().saveDelivery(delivery(other.id, appId));
      await open().saveDeliveryRecords(flowId, 1, { isFlowEnded: true });
      await open().deleteDeliveries(flowId);
      expect(await open().deliveriesOf(flowId)).toEqual([]);
      expect(await made.due(flowId)).toEqual([]);
      expect(await open().deliveriesOf(other.id)).toHaveLength(1);
      const listed = await open().listDeliveries({ appId, listeners: [EP, "hook"], limit: 10 });
      expect(listed.deliveries.filter((each) => each.flowId === flowId)).toEqual([]);
      await open().deleteDeliveries(flowId);
    });

    test("a delivery is in the due index only while it is pending", async () => {
      const { id: flowId } = newFlow();
      const stored = delivery(flowId, newApp());
      await open().saveDelivery(stored);
      expect(await made.due(flowId)).toEqual([deliveryIdOf(stored)]);
      await open().saveDelivery({ ...stored, rev: 1, due: undefined, status: "delivered" });
      expect(await made.due(flowId)).toEqual([]);
    });

    test("a listing shows the deliveries of all subscribers page by page, newest first, each once", async () => {
      const appId = newApp();
      const listeners = ["hook", EP];
      const all: Delivery[] = [];
      for (let i = 0; i < 9; i++) {
        const { id } = newFlow();
        all.push(delivery(id, appId, { listener: listeners[i % 2]!, createdAt: NOW + i * 1_000 }));
      }
      for (const each of all) await open().saveDelivery(each);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await open().listDeliveries({ appId, listeners, limit: 4, cursor });
        seen.push(...page.deliveries.map(deliveryIdOf));
        cursor = page.cursor;
      } while (cursor);
      expect(seen).toEqual(all.toReversed().map(deliveryIdOf));
      const between = { since: NOW + 2_000, until: NOW + 4_000 };
      const some = await open().listDeliveries({ appId, listeners, limit: 10, ...between });
      expect(some.deliveries.map(({ createdAt }) => createdAt - NOW)).toEqual([4_000, 3_000, 2_000]);
      await expect(open().listDeliveries({ appId, listeners, limit: 1, cursor: "x" })).rejects.toMatchObject({
        code: "invalid_request",
        field: "cursor",
      });
    });

    const record = (subject: string, name: string, status = 200): DeliveryRecord => ({
      subject,
      name,
      happenedAt: NOW,
      recordedAt: NOW + 5,
      outcomes: new Map<string, number | "row">([
        [EP, status],
        ["hook", "row"],
      ]),
    });

    test("deliveries are listed oldest first, page by page and within a time range", async () => {
      const appId = newApp();
      const stored = Array.from({ length: 7 }, (_, i) =>
        delivery(newFlow({ appId }).id, appId, { createdAt: NOW + i * 1_000 }),
      );
      await Promise.all(stored.map((one) => open().saveDelivery(one)));
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const range = { since: NOW + 1_000, until: NOW + 5_000, limit: 2, oldestFirst: true };
        const page = await open().listDeliveries({ appId, listeners: [EP], ...range, ...(cursor && { cursor }) });
        seen.push(...page.deliveries.map(({ createdAt }) => (createdAt - NOW) / 1_000));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toEqual([1, 2, 3, 4, 5]);
    });

    test("a range that ends before it begins, or before its cursor, is empty", async () => {
      const appId = newApp();
      for (const at of [NOW, NOW + 1_000, NOW + 2_000])
        await open().saveDelivery(delivery(newFlow({ appId }).id, appId, { createdAt: at }));
      const list = (more: object) => open().listDeliveries({ appId, listeners: [EP], limit: 1, ...more });
      for (const oldestFirst of [false, true]) {
        expect(await list({ since: NOW + 1_000, until: NOW, oldestFirst })).toEqual({ deliveries: [] });
        const { cursor } = await list({ oldestFirst });
        const other = oldestFirst ? { until: NOW - 1_000 } : { since: NOW + 3_000 };
        expect(await list({ oldestFirst, cursor, ...other })).toEqual({ deliveries: [] });
      }
    });

    test("a replay is stored once, read and listed by its own app only, and is due while it runs", async () => {
      const appId = newApp();
      const ids = [1, 2].map((n) => replayIdOf(NOW + n, new Uint8Array(10)));
      const fields = { appId, listener: EP, only: "failed" as const, since: 0, until: NOW };
      for (const id of ids) expect((await open().saveReplay(newReplay({ ...fields, id }, NOW))).ok).toBe(true);
      const again = await open().saveReplay(newReplay({ ...fields, id: ids[0]! }, NOW));
      expect(again).toMatchObject({ ok: false, current: { rev: 1 } });
      const stored = (await open().replay(appId, ids[0]!))!;
      expect(stored).toEqual({ ...newReplay({ ...fields, id: ids[0]! }, NOW), rev: 1 });
      expect((await open().replays(appId)).map(({ id }) => id)).toEqual(ids.toReversed());
      expect(await open().replay(newApp(), ids[0]!)).toBeUndefined();
      const due = async () => {
        const partition = duePartitionOf({ kind: "replay", appId }, DUE_SHARDS);
        const items = await made.table.list({ index: "due", partition, to: Number.MAX_SAFE_INTEGER, limit: 1_000 });
        return items.flatMap((item) => {
          const ref = refOf(keyOf(item));
          return ref?.kind === "replay" && ref.appId === appId ? [ref.replayId] : [];
        });
      };
      expect((await due()).sort()).toEqual(ids);
      await open().saveReplay(endReplay(stored, "canceled", NOW));
      expect(await due()).toEqual([ids[1]]);
    });

    test("the outcome of one subscriber in a record changes once, and those of others stay", async () => {
      const flowId = newFlow().id;
      const outcomes = new Map<string, FirstOutcome>([
        [EP, 200],
        ["hook", 204],
      ]);
      const record = { subject: "0", name: "completed", happenedAt: NOW, recordedAt: NOW, outcomes };
      await open().saveDeliveryRecords(flowId, 0, { records: [record] });
      const change = { subject: "0", name: "completed", listener: EP, from: 200, to: "row" as const };
      expect(await open().changeOutcome(flowId, 0, change)).toBe(true);
      expect(await open().changeOutcome(flowId, 0, change)).toBe(false);
      const others = [EP, "hook"].map((listener, i) => ({
        ...change,
        listener,
        from: i === 0 ? ("row" as const) : 204,
        to: 299,
      }));
      expect(await Promise.all(others.map((each) => open().changeOutcome(flowId, 0, each)))).toEqual([true, true]);
      const { records } = await open().deliveryLog(flowId, 0);
      expect([...records.get("0.completed")!.outcomes.values()]).toEqual([299, 299]);
      expect(await open().changeOutcome(flowId, 0, { ...change, name: "failed" })).toBe(false);
    });

    test("one of two concurrent records of an event is stored, and both writers get it", async () => {
      const { id } = newFlow();
      const both = await Promise.all(
        [200, 204].map((status) =>
          open().saveDeliveryRecords(id, 0, { records: [record("0-1", "completed", status)] }),
        ),
      );
      expect(both.filter(({ ok }) => ok)).toHaveLength(1);
      const [one, other] = both.map(({ log }) => log.records.get("0-1.completed"));
      expect(one).toEqual(other);
      expect((await open().deliveryLog(id, 0)).records.get("0-1.completed")).toEqual(one);
    });

    test("concurrent records of different events are all stored, and the last writer sees all of them", async () => {
      const { id } = newFlow();
      const names = Array.from({ length: 12 }, (_, i) => `0-${i}`);
      const saved = await Promise.all(
        names.map((subject) => open().saveDeliveryRecords(id, 0, { records: [record(subject, "submitted")] })),
      );
      expect(saved.every(({ ok }) => ok)).toBe(true);
      expect(Math.max(...saved.map(({ log }) => log.records.size))).toBe(12);
      const log = await open().deliveryLog(id, 0);
      for (const subject of names)
        expect(log.records.get(`${subject}.submitted`)).toEqual(record(subject, "submitted"));
    });

    test("several records and the mark of the end are one write", async () => {
      const { id } = newFlow();
      const records = [record("0-3", "completed"), record("flow", "completed")];
      const saved = await open().saveDeliveryRecords(id, 0, { records, isFlowEnded: true });
      expect(saved).toEqual({ ok: true, log: await open().deliveryLog(id, 0) });
      expect(saved.log.records).toEqual(new Map(records.map((one) => [`${one.subject}.${one.name}`, one])));
      expect(saved.log.isFlowEnded).toBe(true);
      const [row] = (await made.table.partition(`flow#${id}`)).filter((item) => item["sk"]!.S === "log#0");
      expect(row!["rev"]).toEqual({ N: "1" });
    });

    test.each([0, 1, 2])(
      "if another worker has record %i of three, it stays, and the others are added",
      async (first) => {
        const { id } = newFlow();
        const subjects = ["0-0", "0-1", "0-2"];
        const theirs = record(subjects[first]!, "submitted", 204);
        await open().saveDeliveryRecords(id, 0, { records: [theirs] });
        const ours = subjects.map((subject) => record(subject, "submitted"));
        const { ok, log } = await open().saveDeliveryRecords(id, 0, { records: ours, isFlowEnded: true });
        expect(ok).toBe(false);
        expect(log).toEqual(await open().deliveryLog(id, 0));
        expect(log.isFlowEnded).toBe(true);
        for (const [i, subject] of subjects.entries())
          expect(log.records.get(`${subject}.submitted`)).toEqual(i === first ? theirs : ours[i]);
      },
    );

    test("a row is marked if another worker has all of the records", async () => {
      const { id } = newFlow();
      await open().saveDeliveryRecords(id, 0, { records: [record("flow", "completed", 204)] });
      const again = { records: [record("flow", "completed")], isFlowEnded: true };
      expect(await open().saveDeliveryRecords(id, 0, again)).toMatchObject({ ok: false, log: { isFlowEnded: true } });
    });

    test("the end of a flow is marked with and without a record, and a row without records is an empty log", async () => {
      const { id } = newFlow();
      expect(await open().deliveryLog(id, 1)).toEqual({ records: new Map(), isFlowEnded: false });
      expect((await open().saveDeliveryRecords(id, 1, { isFlowEnded: true })).log.isFlowEnded).toBe(true);
      const { log } = await open().saveDeliveryRecords(id, 0, {
        records: [record("flow", "completed")],
        isFlowEnded: true,
      });
      expect(log.isFlowEnded).toBe(true);
      expect(await open().deliveryLog(id, 0)).toEqual(log);
    });

    test("progress of a task can be claimed once in a time, by one of many workers", async () => {
      const { id } = newFlow();
      const claims = await Promise.all(Array.from({ length: 5 }, () => open().claimProgress(id, 0, "0-1", NOW, 1_000)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await open().claimProgress(id, 0, "0-1", NOW + 999, 1_000)).toBe(false);
      expect(await open().claimProgress(id, 0, "0-1", NOW + 1_000, 1_000)).toBe(true);
      expect(await open().claimProgress(id, 0, "0-2", NOW, 1_000)).toBe(true);
    });

    test("the rows of one subscriber are in several partitions, and those of an earlier version are listed with them", async () => {
      const appId = newApp();
      const earlier = createWebhookStore({ table: made.table, now: () => NOW, dueShards: 0 });
      const ids: string[] = [];
      for (let i = 0; i < 24; i++) {
        const { id } = newFlow();
        const stored = delivery(id, appId, { createdAt: NOW + i * 1_000 });
        await (i % 3 === 0 ? earlier : open()).saveDelivery(stored);
        ids.push(deliveryIdOf(stored));
      }
      const first = `deliveries#${appId}#${EP}`;
      const partitions = [first, ...[1, 2, 3].map((shard) => `${first}#${shard}`)];
      const sizes = await Promise.all(
        partitions.map(async (partition) => (await made.table.list({ index: "app", partition, limit: 100 })).length),
      );
      expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(1);
      expect(sizes[0]).toBeGreaterThanOrEqual(8);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await open().listDeliveries({ appId, listeners: [EP], limit: 5, cursor });
        seen.push(...page.deliveries.map(deliveryIdOf));
        cursor = page.cursor;
      } while (cursor);
      expect(seen).toEqual(ids.toReversed());
    });

    test("a cursor of another app's listing is rejected", async () => {
      const [appId, other] = [newApp(), newApp()];
      for (let i = 0; i < 2; i++) {
        const { id } = newFlow();
        await open().saveDelivery(delivery(id, appId, { listener: EP, createdAt: NOW + i * 1_000 }));
      }
      const { cursor } = await open().listDeliveries({ appId, listeners: [EP], limit: 1 });
      expect(cursor).toBeDefined();
      const foreign = open().listDeliveries({ appId: other, listeners: [EP], limit: 1, cursor });
      await expect(foreign).rejects.toMatchObject({ code: "invalid_request", field: "cursor" });
      expect((await open().listDeliveries({ appId, listeners: [EP], limit: 1, cursor })).deliveries).toHaveLength(1);
    });
  });
}
