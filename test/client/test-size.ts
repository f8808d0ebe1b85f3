/** Prints the size of the client's browser bundle: `node test/client/test-size.ts`. Nothing is asserted. */
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const entry = fileURLToPath(new URL("../../packages/client/src/index.ts", import.meta.url));
const imports = {
  everything: "*",
  "Mjflow alone": "{ Mjflow }",
  "verifyWebhook alone": "{ verifyWebhook }",
};

for (const [what, names] of Object.entries(imports)) {
  const contents = `export ${names} from ${JSON.stringify(entry)};`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
  });
  const code = outputFiles[0]!.contents;
  const [gzip, brotli] = [gzipSync(code, { level: 9 }).length, brotliCompressSync(code).length];
  console.log(`${what.padEnd(20)} ${code.length} bytes minified, ${gzip} gzip, ${brotli} brotli`);
}
