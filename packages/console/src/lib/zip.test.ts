import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { crc32, zipOf } from "./zip.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("the checksum is that of the standard", () => {
  expect(crc32(bytesOf("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test("another program reads each file with its name and its bytes, and equal names get numbers", () => {
  const folder = mkdtempSync(join(tmpdir(), "mjflow-zip-"));
  try {
    const path = join(folder, "images.zip");
    const entries = [
      { name: "boat.png", bytes: bytesOf("one") },
      { name: "boat.png", bytes: bytesOf("two") },
      { name: "小船.jpg", bytes: bytesOf("") },
    ];
    writeFileSync(path, Buffer.concat(zipOf(entries)));
    const script = `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps([[n, z.read(n).decode()] for n in z.namelist()]))`;
    expect(JSON.parse(execFileSync("python3", ["-c", script, path], { encoding: "utf8" }))).toEqual([
      ["boat.png", "one"],
      ["boat-2.png", "two"],
      ["小船.jpg", ""],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
