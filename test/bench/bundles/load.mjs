/** Imports one bundle in a process that has done nothing else, and prints how long that took, in milliseconds. */
import { pathToFileURL } from "node:url";

const url = pathToFileURL(process.argv[2]).href;
const begun = performance.now();
await import(url);
process.stdout.write(String(performance.now() - begun));
process.exit();
