/**
 * Ends the process if Node is too old. mjflow runs its TypeScript without a build, which needs a Node that strips
 * types.
 */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  console.error(
    `mjflow needs Node 22.18 or newer; this is ${process.version}. On Linux and Windows \`npm install\` installs Node 24 ` +
      "for npm scripts: start with `npm start`. On other systems install Node from nodejs.org.",
  );
  process.exit(1);
}
