#!/usr/bin/env node
// This file is plain JavaScript, so that an older Node can run it and report the required version.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `mjflow needs Node 22.18 or newer; this is ${process.version}. Install Node from nodejs.org. In a clone, run \`npm install\`; then \`npx mjflow\` uses Node 24.`,
  );
  process.exit(1);
}
await import("../src/main.ts");
