/** Faults as SDK middleware. They are placed below the SDK's retries, so the SDK meets them like faults of the network. */
import type { DynamoDBClient } from "./aws.ts";
import { TABLE } from "./table.maker.ts";

interface Response {
  output?: unknown;
}
export type Fault = (next: () => Promise<Response>, input: Record<string, unknown>) => Promise<Response>;

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

/** Loses the first `times` responses after the request was executed, like a connection that breaks. */
export function loseResponses(times: number): Fault {
  let left = times;
  return async (next) => {
    const response = await next();
    if (left-- > 0) throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    return response;
  };
}

/** Lets a batch read return only its first `done` keys and report the rest as unprocessed, like a table under load. */
export function leaveUnprocessed(done: number): Fault {
  return async (next, input) => {
    const response = await next();
    const { Keys } = (input["RequestItems"] as Record<string, { Keys: Key[] }>)[TABLE]!;
    const left = Keys.slice(done);
    const isLeft = (item: Key) => left.some((key) => key.pk.S === item.pk.S && key.sk.S === item.sk.S);
    const output = response.output as { Responses: Record<string, Key[]>; UnprocessedKeys: Record<string, unknown> };
    output.Responses[TABLE] = (output.Responses[TABLE] ?? []).filter((item) => !isLeft(item));
    output.UnprocessedKeys = left.length > 0 ? { [TABLE]: { Keys: left, ConsistentRead: true } } : {};
    return response;
  };
}

interface Key {
  pk: { S: string };
  sk: { S: string };
}
