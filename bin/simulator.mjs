#!/usr/bin/env node
// Plain JavaScript, so that an older Node can still read it and say what is missing.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`The simulator runs TypeScript as it is, which needs Node 22.18 or newer. This is ${process.version}.`);
  process.exit(1);
}
await import("../packages/simulator/src/main.ts");
