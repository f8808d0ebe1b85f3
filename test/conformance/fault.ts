/** Faults as SDK middleware: below the SDK's own repetition, so that it meets them as it would meet the network's. */
import type { DynamoDBClient } from "./aws.ts";
import { TABLE } from "./table.maker.ts";

interface Answer {
  output?: unknown;
}
export type Fault = (next: () => Promise<Answer>, input: Record<string, unknown>) => Promise<Answer>;

export function intercept(client: DynamoDBClient, command: string, fault: Fault): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context["commandName"] !== command) return next(args);
      const input = args.input as unknown as Record<string, unknown>;
      return (await fault(() => next(args), input)) as Awaited<ReturnType<typeof next>>;
    },
    { step: "deserialize", priority: "high", name: "fault" },
  );
}

/** The first `times` answers are lost after the work was done, as when a connection breaks. */
export function loseRequest(times: number): Fault {
  let left = times;
  return async (next) => {
    const answer = await next();
    if (left-- > 0) throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    return answer;
  };
}

/** A batch read does only its first `done` keys and hands back the rest, as a table under load does. */
export function loseResponse(done: number): Fault {
  return async (next, input) => {
    const answer = await next();
    const { Keys } = (input["RequestItems"] as Record<string, { Keys: Key[] }>)[TABLE]!;
    const left = Keys.slice(done);
    const isLeft = (item: Key) => left.some((key) => key.pk.S === item.pk.S && key.sk.S === item.sk.S);
    const output = answer.output as { Responses: Record<string, Key[]>; UnprocessedKeys: Record<string, unknown> };
    output.Responses[TABLE] = (output.Responses[TABLE] ?? []).filter((item) => !isLeft(item));
    output.UnprocessedKeys = left.length > 0 ? { [TABLE]: { Keys: left, ConsistentRead: true } } : {};
    return answer;
  };
}

interface Key {
  pk: { S: string };
  sk: { S: string };
}
