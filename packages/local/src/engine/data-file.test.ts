import { spawn } from "node:child_process";
import { copyFileSync, type fdatasync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { type DataFile, type FileOptions, openDataFile } from "./data-file.ts";
import { readMark } from "./mark.ts";

/** A data file whose syncs complete when the test says so. */
function slowDisk(options: FileOptions = {}) {
  const syncs: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  const syncCalls = { times: 0, next: Promise.withResolvers<void>() };
  const file = openDataFile({
    dataDir: createTempFolder(),
    ...options,
    sync: ((_: number, done: (error: NodeJS.ErrnoException | null) => void) => {
      syncCalls.times++;
      syncCalls.next.resolve();
      syncCalls.next = Promise.withResolvers();
      syncs.push(done);
    }) as typeof fdatasync,
  });
  cleanUp.push(() => {
    for (const done of syncs) done(null);
    return file.close();
  });
  return {
    file,
    syncCalls,
    /** Completes the sync in progress. */
    end: (error: NodeJS.ErrnoException | null = null) => syncs.shift()!(error),
  };
}

const add = (file: DataFile, body: string) => () =>
  file.sql("INSERT INTO messages (queue, body, sentAt, visibleAt) VALUES ('q', ?, 0, 0)").run(body);
const bodies = (file: DataFile) =>
  file
    .sql("SELECT body FROM messages ORDER BY id")
    .all()
    .map(({ body }) => body);

/** Returns the state of a promise after everything that does not need the disk has run. */
async function stateOf(promise: Promise<unknown>): Promise<"waiting" | "done" | "failed"> {
  const turns = (async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    return "waiting" as const;
  })();
  return Promise.race([
    promise.then(
      () => "done" as const,
      () => "failed" as const,
    ),
    turns,
  ]);
}

test("a write is acknowledged only after it is synced to the disk", async () => {
  const { file, syncCalls, end } = slowDisk();
  const write = file.write(add(file, "a"));
  expect(await stateOf(write)).toBe("waiting");
  expect([syncCalls.times, bodies(file)]).toEqual([1, ["a"]]);
  end();
  expect(await stateOf(write)).toBe("done");
});

describe("work together", () => {
  test("its writes, one after the other, share one sync, and the work ends after it", async () => {
    const { file, syncCalls, end } = slowDisk();
    const seen: unknown[] = [];
    const work = file.together(async () => {
      for (const body of ["state", "message", "health"]) await file.write(add(file, body));
      seen.push(...bodies(file));
      return "answer";
    });
    expect(await stateOf(work)).toBe("waiting");
    expect([seen, syncCalls.times]).toEqual([["state", "message", "health"], 1]);
    end();
    expect([await stateOf(work), await work]).toEqual(["done", "answer"]);
  });

  test("a writer beside the work still waits for the sync", async () => {
    const { file, end } = slowDisk();
    const work = file.together(() => file.write(add(file, "a")));
    const other = file.write(add(file, "b"));
    expect([await stateOf(work), await stateOf(other)]).toEqual(["waiting", "waiting"]);
    end();
    expect([await stateOf(work), await stateOf(other)]).toEqual(["done", "done"]);
  });

  test("after an undone transaction the work writes nothing more and fails", async () => {
    const { file, end } = slowDisk();
    const failing = () => {
      throw new Error("full");
    };
    const work = file.together(async () => {
      await file.write(add(file, "state"));
      await file.write(failing).catch(() => {});
      await file.write(add(file, "message"));
    });
    await expect(work).rejects.toThrow("full");
    expect(bodies(file)).toEqual([]);
    // Another writer undoes it, after the work has ended.
    const ended = file.together(() => file.write(add(file, "state")));
    const other = file.write(failing);
    await expect(other).rejects.toThrow("full");
    await expect(ended).rejects.toThrow("full");
    const later = file.write(add(file, "later"));
    expect(await stateOf(later)).toBe("waiting");
    end();
    await later;
    expect(bodies(file)).toEqual(["later"]);
  });

  test("a failed sync fails the work", async () => {
    const { file, end } = slowDisk();
    const work = file.together(() => file.write(add(file, "a")));
    expect(await stateOf(work)).toBe("waiting");
    end(new Error("EIO"));
    await expect(work).rejects.toThrow("EIO");
  });
});

test("all writes during a sync share the next sync", async () => {
  const { file, syncCalls, end } = slowDisk();
  const first = file.write(add(file, "first"));
  expect(await stateOf(first)).toBe("waiting");
  const others = Promise.all(Array.from({ length: 50 }, (_, i) => file.write(add(file, String(i)))));
  expect(await stateOf(others)).toBe("waiting");
  expect(syncCalls.times).toBe(1);
  end();
  expect([await stateOf(first), await stateOf(others), syncCalls.times]).toEqual(["done", "waiting", 2]);
  end();
  expect(await stateOf(others)).toBe("done");
  expect(bodies(file)).toHaveLength(51);
});

test("a note is acknowledged without a sync", async () => {
  const { file, syncCalls } = slowDisk();
  expect(await stateOf(file.note(add(file, "a")))).toBe("done");
  expect([syncCalls.times, bodies(file)]).toEqual([0, ["a"]]);
});

test("if one write of a transaction fails, all its writes are rollbacks and rejected, and the next transaction works", async () => {
  const { file, end } = slowDisk();
  let rollbacks = 0;
  file.onUndone(() => rollbacks++);
  const good = file.write(add(file, "a"));
  const bad = file.write(() => file.sql("INSERT INTO items (pk) VALUES ('no sort key')").run());
  expect([await stateOf(good), await stateOf(bad), rollbacks, bodies(file)]).toEqual(["failed", "failed", 1, []]);
  const next = file.write(add(file, "b"));
  expect(await stateOf(next)).toBe("waiting");
  end();
  expect([await stateOf(next), bodies(file)]).toEqual(["done", ["b"]]);
});

test("after a failed sync no write is acknowledged, and onCrash is called", async () => {
  const { file, end } = slowDisk();
  const crashes: string[] = [];
  file.onCrash((why) => crashes.push(why));
  const write = file.write(add(file, "a"));
  expect(await stateOf(write)).toBe("waiting");
  end(Object.assign(new Error("EIO: i/o error"), { code: "EIO" }));
  expect(await stateOf(write)).toBe("failed");
  expect(crashes).toEqual([expect.stringMatching(/^a sync of .*mjflow\.db failed: EIO/)]);
  expect(await stateOf(file.write(add(file, "b")))).toBe("failed");
});

test("a full disk rejects a write as overloaded, and the next write succeeds when the disk has space", async () => {
  const { file, end } = slowDisk();
  const pages = (count: number) => file.sql(`PRAGMA max_page_count = ${count}`).get();
  const { page_count } = file.sql("PRAGMA page_count").get() as { page_count: number };
  pages(page_count + 1);
  const write = file.write(add(file, "x".repeat(10_000_000)));
  await expect(write).rejects.toMatchObject({ code: "overloaded", status: 503, retry: { afterMs: 5_000 } });
  pages(1_000_000);
  const next = file.write(add(file, "b"));
  expect(await stateOf(next)).toBe("waiting");
  end();
  expect([await stateOf(next), bodies(file)]).toEqual(["done", ["b"]]);
});

test("the mark counts only commits that are synced", async () => {
  const dataDir = createTempFolder();
  const { file, end } = slowDisk({ dataDir });
  const commits = () => readMark(dataDir)!.commits;
  const start = commits();
  await file.note(add(file, "not synced"));
  const write = file.write(add(file, "synced"));
  expect(await stateOf(write)).toBe("waiting");
  expect(commits()).toBe(start);
  end();
  await write;
  expect(commits()).toBe(start + 2);
});

test("a copy has all acknowledged writes and no later one, and writes continue during the copy", async () => {
  const dataDir = createTempFolder();
  const file = openDataFile({ dataDir });
  cleanUp.push(() => file.close());
  for (let i = 0; i < 20; i++) await file.write(add(file, `${i} ${"x".repeat(200_000)}`));
  let isCopying = true;
  const writing = (async () => {
    for (let i = 0; isCopying; i++) await file.write(add(file, `later ${i} ${"x".repeat(200_000)}`));
  })();
  await file.copyTo(join(dataDir, "copy.db"));
  isCopying = false;
  await writing;
  const copy = new DatabaseSync(join(dataDir, "copy.db"));
  const [check] = copy.prepare("PRAGMA quick_check").all();
  const rows = copy
    .prepare("SELECT body FROM messages ORDER BY id")
    .all()
    .map(({ body }) => String(body));
  copy.close();
  expect(check).toEqual({ quick_check: "ok" });
  expect(rows.filter((body) => !body.startsWith("later"))).toHaveLength(20);
  expect(rows.length).toBeLessThan(bodies(file).length);
  // SQLite's lock still holds: a copy must not close a descriptor of the file.
  expect(() => openDataFile({ dataDir })).toThrow("locked");
});

test("a power cut before the end of a checkpoint's sync loses no acknowledged write", async () => {
  const dataDir = createTempFolder();
  const held = Promise.withResolvers<() => void>();
  let [isHeld, isOver] = [false, false];
  void held.promise.then(() => (isHeld = true));
  let log: number | undefined;
  const file = openDataFile({
    dataDir,
    // The log is synced at once. The sync of the file itself ends when the test says so.
    sync: ((descriptor: number, done: (error: null) => void) => {
      log ??= descriptor;
      if (descriptor === log || isOver) queueMicrotask(() => done(null));
      else held.resolve(() => done(null));
    }) as typeof fdatasync,
  });
  cleanUp.push(async () => {
    isOver = true;
    if (isHeld) (await held.promise)();
    await file.close();
  });
  const paths = ["mjflow.db", "mjflow.db-wal"].map((name) => join(dataDir, name));
  const beforeCheckpoint = readFileSync(paths[0]!);
  const acknowledged: string[] = [];
  for (let i = 0; !isHeld && i < 2_000; i++) {
    const body = `${i} ${"x".repeat(4_000)}`;
    const write = file.write(add(file, body));
    // The write whose commit starts the checkpoint is acknowledged after the checkpoint's sync.
    if ((await stateOf(write)) === "done") acknowledged.push(body);
  }
  const later = file.write(add(file, "later"));
  expect(await stateOf(later)).toBe("waiting");
  // The disk after a power cut: nothing of the file has been written, and the log is whole.
  const target = createTempFolder();
  writeFileSync(join(target, "mjflow.db"), beforeCheckpoint);
  copyFileSync(paths[1]!, join(target, "mjflow.db-wal"));
  const repaired = new DatabaseSync(join(target, "mjflow.db"));
  const found = new Set(
    repaired
      .prepare("SELECT body FROM messages")
      .all()
      .map(({ body }) => body),
  );
  repaired.close();
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(acknowledged.filter((body) => !found.has(body))).toEqual([]);
  (await held.promise)();
  await later;
  expect(bodies(file)).toContain("later");
});

test("close waits until the writes in progress are stored", async () => {
  const dataDir = createTempFolder();
  const file = openDataFile({ dataDir });
  const writes = [file.write(add(file, "a")), file.note(add(file, "b"))];
  await file.close();
  await Promise.all(writes);
  const again = openDataFile({ dataDir });
  expect(bodies(again)).toEqual(["a", "b"]);
  await again.close();
});

test("acknowledged writes survive kill -9 at any moment", async () => {
  const dataDir = createTempFolder();
  const file = new URL("./data-file.ts", import.meta.url).href;
  const script = `
    const file = (await import(${JSON.stringify(file)})).openDataFile({ dataDir: ${JSON.stringify(dataDir)} });
    const insert = file.sql("INSERT INTO messages (queue, body, sentAt, visibleAt) VALUES ('q', ?, 0, 0)");
    let count = 0;
    const one = async () => {
      for (;;) {
        const body = String(count++);
        await file.write(() => insert.run(body));
        process.stdout.write(body + "\\n");
      }
    };
    for (let i = 0; i < 16; i++) one();`;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    const enough = Promise.withResolvers<void>();
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (output.split("\n").length > 500) enough.resolve();
    });
    const gone = new Promise((resolve) => child.once("close", resolve));
    await enough.promise;
    child.kill("SIGKILL");
    await gone;
    const acknowledged = output.split("\n").slice(0, -1);
    const reopened = openDataFile({ dataDir });
    const found = new Set(bodies(reopened));
    expect(acknowledged.filter((body) => !found.has(body))).toEqual([]);
    await reopened.note(() => reopened.sql("DELETE FROM messages").run());
    await reopened.close();
  }
});

test("the file, its log and its mark are readable only by their owner", () => {
  const dataDir = createTempFolder();
  const file = openDataFile({ dataDir });
  cleanUp.push(() => file.close());
  const modes = readdirSync(dataDir).map((name) => statSync(join(dataDir, name)).mode & 0o777);
  expect(modes).toEqual([0o600, 0o600, 0o600]);
});

test("a file that another process has opened is rejected", async () => {
  const dataDir = createTempFolder();
  const file = new URL("./data-file.ts", import.meta.url).href;
  // The reference keeps the file open; an unreferenced file would be closed by the garbage collector.
  const script = `
    globalThis.file = (await import(${JSON.stringify(file)})).openDataFile({ dataDir: ${JSON.stringify(dataDir)} });
    console.log("open");
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanUp.push(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  expect(() => openDataFile({ dataDir })).toThrow("locked");
});

test("a page of a new file has room for three rows of ended tasks", async () => {
  const dataDir = createTempFolder();
  const file = openDataFile({ dataDir });
  cleanUp.push(() => file.close());
  const insert = file.sql("INSERT INTO items (pk, sk, item) VALUES (?, 'task#0', ?)");
  await file.write(() => {
    for (let i = 0; i < 300; i++) insert.run(`flow#${i}`, "x".repeat(2_500));
  });
  const [{ pages } = { pages: 0 }] = file.sql("SELECT count(*) AS pages FROM dbstat WHERE name = 'items'").all();
  expect(pages).toBeLessThanOrEqual(102);
});

test("a file with the pages of an earlier version keeps them, and its log has the same length", async () => {
  const dataDir = createTempFolder();
  const earlier = new DatabaseSync(join(dataDir, "mjflow.db"));
  earlier.exec("PRAGMA page_size = 4096; CREATE TABLE kept (text); INSERT INTO kept VALUES ('row')");
  earlier.close();
  const file = openDataFile({ dataDir });
  cleanUp.push(() => file.close());
  const fresh = createTempFolder();
  const other = openDataFile({ dataDir: fresh });
  cleanUp.push(() => other.close());
  for (let i = 0; i < 3_000; i++) await file.note(add(file, "x".repeat(2_000)));
  expect(file.sql("PRAGMA page_size").get()).toEqual({ page_size: 4_096 });
  expect(other.sql("PRAGMA page_size").get()).toEqual({ page_size: 8_192 });
  expect(file.sql("SELECT text FROM kept").all()).toEqual([{ text: "row" }]);
  const lengths = [dataDir, fresh].map((folder) => statSync(join(folder, "mjflow.db-wal")).size / 1e6);
  expect(lengths[0]).toBeCloseTo(lengths[1]!, 0);
});
