#!/usr/bin/env node
// Plain JavaScript, so that an older Node can still read it and say what is missing.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `mjflow needs Node 22.18 or newer; this is ${process.version}. In a clone, \`npx mjflow\` and \`npm run mjflow\` bring Node 24 along.`,
  );
  process.exit(1);
}
await import("../src/main.ts");
