/** Compares what the simulator sends with the wire fixtures: the same fields with the same types. */
import { readFileSync } from "node:fs";
import type { Fields } from "../json.ts";
import type { FamilyId } from "../server.ts";

export interface Fixture {
  kind: "submit" | "lookup" | "callback";
  http: { status?: number; request?: { method: string; url: string; body?: Fields } };
  body: unknown;
}

export function fixture(family: FamilyId, name: string): Fixture {
  const url = new URL(`../../../providers/fixtures/${family}/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Fixture;
}

/** Returns one sentence for each field that is missing, additional, or of another type than in the fixture. */
export function differences(actual: unknown, wanted: unknown, at = "body"): string[] {
  if (typeOf(actual) !== typeOf(wanted)) return [`${at} is ${typeOf(actual)}, not ${typeOf(wanted)}`];
  if (Array.isArray(wanted)) {
    const [item] = wanted;
    return item === undefined ? [] : (actual as unknown[]).flatMap((each, i) => differences(each, item, `${at}[${i}]`));
  }
  if (typeOf(wanted) !== "object") return [];
  const [ours, theirs] = [actual as Fields, wanted as Fields];
  return [
    ...Object.keys(ours).flatMap((name) => (Object.hasOwn(theirs, name) ? [] : [`${at}.${name} is additional`])),
    ...Object.entries(theirs).flatMap(([name, value]) =>
      Object.hasOwn(ours, name) ? differences(ours[name], value, `${at}.${name}`) : [`${at}.${name} is missing`],
    ),
  ];
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}
