/** `mjflow batch`: creates up to 100 flows with one request. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { FlowBatchResult, FlowInput } from "@mjflow/client";
import { REQUEST } from "@mjflow/core/limit";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { FLOW_OPTIONS, fieldsOf, keyedOptions, providerOf } from "../create-flow.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../usage-error.ts";

// The flows are not followed: they run at the same time, and each one can take minutes.
const { wait, timeout, strict, ...SHARED } = FLOW_OPTIONS;

const OPTIONS = {
  ...SHARED,
  expand: { type: "boolean", help: "one flow of each prompt that groups such as {red, blue} stand for" },
} as const satisfies Record<string, Option>;

export const batch = command({
  name: "batch",
  summary: `create up to ${REQUEST.batchFlows} flows with one request`,
  usage: ["FILE|- [--then PRESSES]… [--expand]"],
  argCount: [1, 1],
  options: OPTIONS,
  files: true,
  notes: `
The file has one prompt on each line. A file that begins with [ is a JSON array of prompts and of requests in the form of the
API. The options apply to all flows; a field of a request has priority. The exit code is 1 if a flow was not created. A
repetition with the same --idempotency-key creates only the missing ones.

  mjflow batch prompts.txt --then upscale:all --state album-7
  mjflow flows --state album-7`,
  async run(context, { values, positionals: [file = ""] }) {
    const { cwd } = context.platform;
    const items = itemsOf(read(file, cwd));
    const fields = fieldsOf(context, { ...values, wait: false, timeout: undefined, strict: undefined });
    const shared: FlowInput = {
      provider: providerOf(context),
      ...fields,
      ...(values.expand && { permutations: "expand" as const }),
    };
    const result = await context.mjflow.flows.createMany(items, { shared, ...keyedOptions(context, values) });
    const { created, failed, estimatedUsd } = result;
    context.show(result, () => [
      ...rows(context, result.data),
      `${created} created, ${failed} failed, about $${estimatedUsd.toFixed(2)} in all`,
    ]);
    return failed > 0 ? EXIT.failed : EXIT.ok;
  },
});

function read(file: string, cwd: string): string {
  try {
    return readFileSync(file === "-" ? 0 : resolve(cwd, file), "utf8");
  } catch (error) {
    throw new UsageError(`The file cannot be read (${(error as NodeJS.ErrnoException).code}).`, "batch");
  }
}

function itemsOf(text: string): Partial<FlowInput>[] {
  const items = text.trimStart().startsWith("[") ? parsed(text) : text.split("\n").map((line) => line.trim());
  const flows = items
    .filter((item) => item !== "")
    .map((item) => (typeof item === "string" ? { prompt: item } : (item as Partial<FlowInput>)));
  if (flows.length > 0 && flows.length <= REQUEST.batchFlows) return flows;
  throw new UsageError(`The file must have 1 to ${REQUEST.batchFlows} prompts. It has ${flows.length}.`, "batch");
}

/** The API validates the items, and names the invalid field. */
function parsed(text: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    throw new UsageError("The file begins with [ and is not a JSON array.", "batch");
  }
}

function rows({ paint, columns }: Context, data: readonly FlowBatchResult[]): string[] {
  const shown: Column<FlowBatchResult>[] = [
    { name: "#", of: ({ index }) => String(index + 1) },
    { name: "flow", of: ({ flow, error }) => flow?.id ?? error?.code ?? "" },
    { name: "prompt", of: ({ flow, error }) => error?.detail ?? flow?.prompt ?? flow?.action ?? "", cut: true },
  ];
  return table(shown, data, paint, columns);
}
