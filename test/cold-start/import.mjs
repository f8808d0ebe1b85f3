/**
 * Imports one bundle in a process of its own and prints what the import did, as JSON: `builtins` are the modules of Node that it
 * loaded, `schemas` is the number of zod schemas that it built.
 */
import { pathToFileURL } from "node:url";

const { defineProperty } = Object;
let schemas = 0;
// Each schema of zod gets this property when it is built.
Object.defineProperty = (target, key, descriptor) => {
  if (key === "_zod") schemas++;
  return defineProperty(target, key, descriptor);
};
const before = new Set(process.moduleLoadList);
await import(pathToFileURL(process.argv[2]).href);
const builtins = process.moduleLoadList
  .filter((module) => !before.has(module) && module.startsWith("NativeModule "))
  .map((module) => module.slice("NativeModule ".length));
process.stdout.write(JSON.stringify({ builtins, schemas }));
process.exit();
