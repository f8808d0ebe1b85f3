/** Responses of the tests in the form in which the documentation shows them. */
import type { Json } from "./harness.ts";

/** True for `npm run docs:examples`, which writes the files that are otherwise compared. */
export const isRecording = process.env["MJFLOW_RECORD"] === "1";

const UUID_V4 = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** Replaces ids of requests, which differ in each run, and names of the tests. */
export function shownJson(text: string): Json {
  const shown = text
    .replace(UUID_V4, "9e6a2c1f-0d0b-4c55-9d1c-8f3b7a64e210")
    .replaceAll("http://localhost/", "http://127.0.0.1:4600/")
    .replaceAll('"fake"', '"simulator"')
    .replace(/: fake can /g, ": simulator can ");
  return JSON.parse(shown === "" ? "null" : shown);
}
