/** What the next deployment of a stage would change, as `sst diff` shows it. Pulumi compares the inputs of each resource. */
import { isDeepStrictEqual } from "node:util";
import type { Infra, Resource } from "./model.ts";

type Any = Resource<unknown>;

const idOf = ({ type, name }: Any) => `${type} ${name}`;

/**
 * @param before evaluation of the deployed stage
 * @param after evaluation with `--state` of the first, so names that Pulumi keeps are the former ones
 * @returns "create", "delete" or "change" with the resource, and the changed inputs
 */
export function differences(before: Infra, after: Infra): string[] {
  const former = new Map(before.resources.map((resource) => [idOf(resource), resource]));
  const found: string[] = [];
  for (const resource of after.resources) {
    const id = idOf(resource);
    const old = former.get(id);
    former.delete(id);
    const changed = old && changedInputs(old.inputs, resource.inputs);
    if (!changed) found.push(`create ${id}`);
    else if (changed.length > 0) found.push(`change ${id}: ${changed.join(", ")}`);
  }
  return [...found, ...[...former.keys()].map((id) => `delete ${id}`)];
}

function changedInputs(old: unknown, next: unknown): string[] {
  const [a, b] = [old, next] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isDeepStrictEqual(a[key], b[key]));
}
