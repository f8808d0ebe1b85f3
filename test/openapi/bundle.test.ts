/**
 * The API reference costs no cold start time: the API function loads it with the first request, and never its
 * generator.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the API function loads no part of the API reference at its start, and never the generator", async () => {
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
  const heavy =
    /functions\/http\/openapi\/|openapi\.json|to-json-schema|json-schema-processors|core\/src\/(?:mj-)?response\.ts$/;
  // The bundler also names parts of the schema library of which it kept no bytes. They do not count.
  const loaded = [...eager].flatMap((file) =>
    Object.entries(metafile.outputs[file]!.inputs)
      .filter(([input, { bytesInOutput }]) => heavy.test(input) && bytesInOutput > 0)
      .map(([input]) => input),
  );
  expect(loaded).toEqual([]);
  const others = Object.entries(metafile.outputs).filter(([file]) => !eager.has(file));
  const later = others.flatMap(([, { inputs }]) => Object.keys(inputs));
  expect(later).toEqual(expect.arrayContaining(["docs/openapi.json", "functions/http/openapi/page.ts"]));
  // The document is generated before the build, so no function contains the generator.
  expect(later.filter((input) => /openapi\/(?:document|schema|flow)\.ts|to-json-schema/.test(input))).toEqual([]);
});
