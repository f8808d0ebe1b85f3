import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { startLocalBackend } from "./backend.ts";

test("a new folder uses sqlite, which is kept at the next start and rejects another engine", async () => {
  const dataDir = createTempFolder();
  for (let start = 0; start < 2; start++) {
    const backend = await startLocalBackend({ dataDir });
    expect(backend.engine).toBe("sqlite");
    await backend.stop();
  }
  await expect(startLocalBackend({ dataDir, engine: "dynalite" })).rejects.toThrow(
    "holds a table written by sqlite, which dynalite cannot read",
  );
});

test("a folder written by dynalite is rejected by sqlite with a message that names dynalite", async () => {
  const dataDir = createTempFolder();
  const backend = await startLocalBackend({ dataDir, engine: "dynalite" });
  cleanUp.push(() => backend.stop());
  expect(backend.ports).toBeUndefined();
  await expect(startLocalBackend({ dataDir, engine: "sqlite" })).rejects.toThrow(
    "holds a table written by dynalite, which sqlite cannot read. Start with dynalite",
  );
});
