import { createHash } from "node:crypto";
import { newTask } from "@mjflow/core/task";
import { expect, test } from "vitest";
import type { Item } from "./codec.ts";
import { DICTIONARIES } from "./dictionary.ts";
import { TASK } from "./item.ts";

test("dictionary 1 is identical to the one that stored rows were written with", () => {
  expect(createHash("sha256").update(DICTIONARIES[1]!).digest("hex")).toBe(
    "9e64a8b9295ca04c7989fdd958b8d1d94270077d10c3a3b9fc325d288fb52ecc",
  );
});

test("a result that the first version wrote can still be read", () => {
  const at = { flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0", provider: "p", account: "default" };
  const row: Item = {
    ...TASK.toItem(newTask({ ...at, action: "IMAGINE", pace: "fast" }, 1, 2)),
    re: {
      B: Buffer.from(
        "ASOnWWSob6SfCGobkdqmMUixTEwyTTTUNU9KMtE1STRP1rVMsjDXTTJMNExKNEsySDM0Irndg9R6IMZ8wi0M5CBOVMgB5ZSM/NLiVKVaAA==",
        "base64",
      ),
    },
  };
  const job = "0d9ab5a1-7bb4-4a7c-9b87-b1a1ba6b0f12";
  expect(TASK.ofItem(row).result).toEqual({
    imageUrl: "https://cdn.discordapp.com/attachments/1/2/a.png",
    buttons: [
      { customId: `MJ::JOB::upsample::1::${job}`, label: "U1", emoji: "" },
      { customId: `MJ::JOB::reroll::0::${job}::SOLO`, label: "", emoji: "🔄" },
    ],
    prompt: "a lighthouse",
  });
});

test("a value deflated with an unknown dictionary is rejected with a message", () => {
  const at = { flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0", provider: "p", account: "default" };
  const row: Item = {
    ...TASK.toItem(newTask({ ...at, action: "IMAGINE", pace: "fast" }, 1, 2)),
    re: { B: Uint8Array.of(9, 1, 2) },
  };
  expect(() => TASK.ofItem(row)).toThrow("dictionary 9, which this code does not have");
});
