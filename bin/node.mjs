/** mjflow runs its TypeScript as it is: that needs a Node which strips types by itself. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  console.error(
    `mjflow needs Node 22.18 or newer; this is ${process.version}. On Linux and Windows \`npm install\` brings Node 24 along ` +
      "for npm scripts: start with `npm start`. Elsewhere install it from nodejs.org.",
  );
  process.exit(1);
}
