#!/usr/bin/env node
// This file is plain JavaScript, so that an older Node can run it and report the required version.
import { checkNode } from "./node.mjs";

checkNode();
await import("../packages/cli/src/demo.ts");
