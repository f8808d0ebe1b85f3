/** Calls of one function by another. Loaded on demand, because the client is large and seldom used. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

/** One attempt: a request that fails after a timeout would have no time for another one. */
const client = new LambdaClient({ maxAttempts: 2 });

/** Returns a function that calls the Lambda function `name` and waits for its result. It throws if the function failed. */
export function createInvoke<Event, Result>(name: string): (event: Event) => Promise<Result> {
  return async (event) => {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: name, Payload: new TextEncoder().encode(JSON.stringify(event)) }),
    );
    if (FunctionError !== undefined || !Payload) throw new Error(`${name}: ${FunctionError ?? "no result"}`);
    return JSON.parse(new TextDecoder().decode(Payload)) as Result;
  };
}
