#!/usr/bin/env node
// This file is plain JavaScript, so that an older Node can run it and report the required version.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`The simulator needs Node 22.18 or newer; this is ${process.version}.`);
  process.exit(1);
}
await import("../packages/simulator/src/main.ts");
