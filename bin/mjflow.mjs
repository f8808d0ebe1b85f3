#!/usr/bin/env node
// Plain JavaScript, so that an older Node can still read it and say what is missing.
import { checkNode } from "./node.mjs";

checkNode();
await import("../packages/cli/src/main.ts");
