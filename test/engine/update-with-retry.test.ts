/** The loop that all conditional writes of the engine share. */
import type { Saved } from "@mjflow/core/port";
import { deleteWithRetry, startWith, updateWithRetry } from "@mjflow/engine/update-with-retry";
import { describe, expect, test } from "vitest";

interface Row {
  rev: number;
  words: string[];
}

/** One stored row. `others` are writes of other writers, each just before one of our own writes. */
function createRow(stored: Row | undefined, others: ((row: Row) => Row | undefined)[] = []) {
  let current = stored;
  let reads = 0;
  return {
    reads: () => reads,
    row: () => current,
    read: async () => {
      reads++;
      return current;
    },
    async save(next: Row): Promise<Saved<Row>> {
      const other = others.shift();
      if (other && current) current = other(current);
      if (current?.rev !== next.rev) return { ok: false, current };
      current = { ...next, rev: next.rev + 1 };
      return { ok: true, item: current };
    },
    async remove(row: Row) {
      const other = others.shift();
      if (other && current) current = other(current);
      if (current?.rev === row.rev) current = undefined;
    },
  };
}

const add = (word: string) => (row: Row) => ({ ...row, words: [...row.words, word] });
const byOther = (row: Row) => ({ rev: row.rev + 1, words: [...row.words, "other"] });

describe("updateWithRetry", () => {
  test("a change is made to the row that won the write conflict, so no writer's change is lost", async () => {
    const store = createRow({ rev: 0, words: [] }, [byOther, byOther]);
    const updated = await updateWithRetry<Row, Row>({ read: store.read, to: add("ours"), save: store.save });
    expect(updated).toEqual({
      kind: "saved",
      read: { rev: 2, words: ["other", "other"] },
      row: { rev: 3, words: ["other", "other", "ours"] },
    });
    expect(store.reads()).toBe(3);
  });

  test("a loop that begins with a known row reads nothing, and takes the current row of the conflict next", async () => {
    const row = { rev: 0, words: [] };
    const store = createRow(row, [byOther]);
    const { row: saved } = await updateWithRetry<Row, Row>({
      read: startWith<Row>(row),
      to: add("ours"),
      save: store.save,
    });
    expect(saved?.words).toEqual(["other", "ours"]);
    expect(store.reads()).toBe(0);
  });

  test("a change that has nothing to write ends the loop with the last row that was read", async () => {
    const store = createRow({ rev: 0, words: [] }, [byOther]);
    const counts: number[] = [];
    const updated = await updateWithRetry<Row, Row>({
      read: store.read,
      to: (row, retry) => {
        counts.push(retry);
        return row.words.includes("other") ? undefined : add("ours")(row);
      },
      save: store.save,
    });
    expect(updated).toEqual({ kind: "unchanged", read: { rev: 1, words: ["other"] } });
    expect(counts).toEqual([0, 1]);
  });

  test("a row that does not exist, or was deleted meanwhile, is missing", async () => {
    const none = createRow(undefined);
    expect(await updateWithRetry<Row, Row>({ read: none.read, to: add("ours"), save: none.save })).toEqual({
      kind: "missing",
      read: undefined,
    });
    const row = { rev: 0, words: [] };
    const deleted = createRow(row, [() => undefined]);
    const updated = await updateWithRetry<Row, Row>({ read: startWith<Row>(row), to: add("ours"), save: deleted.save });
    expect(updated).toEqual({ kind: "missing", read: row });
  });

  test("after ten write conflicts in a row the change is given up: with an error if it has a detail", async () => {
    const never = () => createRow({ rev: 0, words: [] }, Array(100).fill(byOther));
    const [silent, loud, few] = [never(), never(), never()];
    const change = (store: typeof silent) => ({ read: store.read, to: add("ours"), save: store.save });
    expect((await updateWithRetry<Row, Row>(change(silent))).kind).toBe("conflict");
    expect(silent.reads()).toBe(10);
    await expect(updateWithRetry<Row, Row>({ ...change(loud), detail: "Others." })).rejects.toMatchObject({
      code: "overloaded",
      message: "Others.",
    });
    await expect(
      updateWithRetry<Row, Row>({ ...change(few), maxRetries: 3, detail: "Others.", code: "write_conflict" }),
    ).rejects.toMatchObject({ code: "write_conflict" });
    expect(few.reads()).toBe(3);
    expect(few.row()?.words).toEqual(["other", "other", "other"]);
  });
});

describe("deleteWithRetry", () => {
  test("a row that others changed is read again and deleted", async () => {
    const row = { rev: 0, words: [] };
    const store = createRow(row, [byOther, byOther]);
    await deleteWithRetry(row, { remove: store.remove, read: store.read });
    expect(store.row()).toBeUndefined();
  });

  test("a row that others change each time stays, and the caller gets the error", async () => {
    const row = { rev: 0, words: [] };
    const store = createRow(row, Array(100).fill(byOther));
    const limits = { maxRetries: 2, code: "write_conflict", detail: "Others." } as const;
    await expect(deleteWithRetry(row, { remove: store.remove, read: store.read, ...limits })).rejects.toMatchObject({
      code: "write_conflict",
      message: "Others.",
    });
    expect(store.row()?.rev).toBe(2);
  });
});
