/** The description costs a cold start nothing: the API's function loads neither it nor what makes it, until somebody asks. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("what the API's function loads at once has no description in it, and no generator", async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["functions/api.ts"],
    outdir: "out",
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    external: ["sharp"],
    logLevel: "silent",
  });
  const eager = new Set(["out/api.js"]);
  for (const file of eager) {
    for (const { path, kind, external } of metafile.outputs[file]!.imports) {
      if (kind === "import-statement" && !external) eager.add(path);
    }
  }
  const heavy = /functions\/http\/openapi\/|openapi\.json|to-json-schema|json-schema-processors|core\/src\/(?:mj-)?response\.ts$/;
  // A schema library's parts that are named, and of which nothing is left, weigh nothing.
  const loaded = [...eager].flatMap((file) =>
    Object.entries(metafile.outputs[file]!.inputs)
      .filter(([input, { bytesInOutput }]) => heavy.test(input) && bytesInOutput > 0)
      .map(([input]) => input),
  );
  expect(loaded).toEqual([]);
  const others = Object.entries(metafile.outputs).filter(([file]) => !eager.has(file));
  const later = others.flatMap(([, { inputs }]) => Object.keys(inputs));
  expect(later).toEqual(expect.arrayContaining(["docs/openapi.json", "functions/http/openapi/page.ts"]));
  // Made beforehand: the generator is in no function at all.
  expect(later.filter((input) => /openapi\/(?:document|schema|flow)\.ts|to-json-schema/.test(input))).toEqual([]);
});
