#!/usr/bin/env node
// This file is plain JavaScript, so that an older Node can run it and report the required version.
import module from "node:module";
import { fileURLToPath } from "node:url";
import { checkNode } from "./node.mjs";

checkNode();
// With the compiled code of an earlier start Node loads no TypeScript compiler: 32 MB of memory less.
module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)));
const { ensureHeapFlags } = await import("../packages/local/src/heap.ts");
ensureHeapFlags();
await import("../packages/local/src/main.ts");
