/** Imports one bundle in a new process and prints the duration in ms. */
import { pathToFileURL } from "node:url";

const url = pathToFileURL(process.argv[2]).href;
const startedAt = performance.now();
await import(url);
process.stdout.write(String(performance.now() - startedAt));
process.exit();
