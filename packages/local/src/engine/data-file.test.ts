import { spawn } from "node:child_process";
import { type fdatasync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { type DataFile, type FileOptions, openDataFile } from "./data-file.ts";

/** A file whose syncs end when the test says so. */
function slowDisk(options: FileOptions = {}) {
  const syncs: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  const asked = { times: 0, next: Promise.withResolvers<void>() };
  const file = openDataFile({
    dataDir: createTempFolder(),
    ...options,
    sync: ((_: number, done: (error: NodeJS.ErrnoException | null) => void) => {
      asked.times++;
      asked.next.resolve();
      asked.next = Promise.withResolvers();
      syncs.push(done);
    }) as typeof fdatasync,
  });
  cleanUp.push(() => {
    for (const done of syncs) done(null);
    return file.close();
  });
  return {
    file,
    asked,
    /** The sync that is under way ends. */
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

/** How a promise stands after all that can go on without the disk has gone on. */
async function stands(promise: Promise<unknown>): Promise<"waits" | "kept" | "failed"> {
  const turns = (async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    return "waits" as const;
  })();
  return Promise.race([
    promise.then(
      () => "kept" as const,
      () => "failed" as const,
    ),
    turns,
  ]);
}

test("a write is acknowledged when it is on the disk, and not before", async () => {
  const { file, asked, end } = slowDisk();
  const write = file.write(add(file, "a"));
  expect(await stands(write)).toBe("waits");
  expect([asked.times, bodies(file)]).toEqual([1, ["a"]]);
  end();
  expect(await stands(write)).toBe("kept");
});

test("all that is written while the disk is busy shares the next sync", async () => {
  const { file, asked, end } = slowDisk();
  const first = file.write(add(file, "first"));
  expect(await stands(first)).toBe("waits");
  const others = Promise.all(Array.from({ length: 50 }, (_, i) => file.write(add(file, String(i)))));
  expect(await stands(others)).toBe("waits");
  expect(asked.times).toBe(1);
  end();
  expect([await stands(first), await stands(others), asked.times]).toEqual(["kept", "waits", 2]);
  end();
  expect(await stands(others)).toBe("kept");
  expect(bodies(file)).toHaveLength(51);
});

test("a note asks nothing of the disk", async () => {
  const { file, asked } = slowDisk();
  expect(await stands(file.note(add(file, "a")))).toBe("kept");
  expect([asked.times, bodies(file)]).toEqual([0, ["a"]]);
});

test("of a transaction in which one fails, nothing is kept, nobody is acknowledged, and the next one is whole", async () => {
  const { file, end } = slowDisk();
  let undone = 0;
  file.onUndone(() => undone++);
  const good = file.write(add(file, "a"));
  const bad = file.write(() => file.sql("INSERT INTO items (pk) VALUES ('no sort key')").run());
  expect([await stands(good), await stands(bad), undone, bodies(file)]).toEqual(["failed", "failed", 1, []]);
  const next = file.write(add(file, "b"));
  expect(await stands(next)).toBe("waits");
  end();
  expect([await stands(next), bodies(file)]).toEqual(["kept", ["b"]]);
});

test("once the disk refused a sync nothing is acknowledged any more, and it is told", async () => {
  const { file, end } = slowDisk();
  const told: string[] = [];
  file.onCrash((why) => told.push(why));
  const write = file.write(add(file, "a"));
  expect(await stands(write)).toBe("waits");
  end(Object.assign(new Error("EIO: i/o error"), { code: "EIO" }));
  expect(await stands(write)).toBe("failed");
  expect(told).toEqual([expect.stringMatching(/^the disk refused a sync of .*mjflow\.db: EIO/)]);
  expect(await stands(file.write(add(file, "b")))).toBe("failed");
});

test("closed, it has kept what was under way", async () => {
  const dataDir = createTempFolder();
  const file = openDataFile({ dataDir });
  const writes = [file.write(add(file, "a")), file.note(add(file, "b"))];
  await file.close();
  await Promise.all(writes);
  const again = openDataFile({ dataDir });
  expect(bodies(again)).toEqual(["a", "b"]);
  await again.close();
});

test("what was acknowledged outlives a kill -9 at any moment", async () => {
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
    const kept = openDataFile({ dataDir });
    const there = new Set(bodies(kept));
    expect(acknowledged.filter((body) => !there.has(body))).toEqual([]);
    await kept.note(() => kept.sql("DELETE FROM messages").run());
    await kept.close();
  }
});

test("it is readable by its owner only, its log too", () => {
  const dataDir = createTempFolder();
  const file = openDataFile({ dataDir });
  cleanUp.push(() => file.close());
  const modes = readdirSync(dataDir).map((name) => statSync(join(dataDir, name)).mode & 0o777);
  expect(modes).toEqual([0o600, 0o600]);
});

test("a file that another process has is refused", async () => {
  const dataDir = createTempFolder();
  const file = new URL("./data-file.ts", import.meta.url).href;
  // Held on to: one that nobody refers to is closed when it is collected.
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
