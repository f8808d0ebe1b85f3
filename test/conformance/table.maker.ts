/** Creates the table on a running engine and hands it to the suites of store and table. */
import { TABLE } from "@mjflow/local/provision";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { tableClient } from "../support/emulator/client.ts";
import { createTable } from "../support/emulator/provision.ts";
import type { DynamoDBClient } from "./aws.ts";
import type { StoreMaker } from "./store.case.ts";

export { TABLE };

export interface TableMaker extends StoreMaker {
  /** Creates a separate client, for a test that adds faults to it. */
  client(options?: { maxAttempts?: number }): DynamoDBClient;
}

export async function makeTable(engine: { endpoint: string; stop(): Promise<void> }): Promise<TableMaker> {
  const clients: DynamoDBClient[] = [];
  const client: TableMaker["client"] = (options) => {
    const made = tableClient(engine.endpoint, options);
    clients.push(made);
    return made;
  };
  const plain = client();
  await createTable(plain);
  return {
    client,
    open: ({ now }) => createDynamoStore({ client: plain, table: TABLE, now }),
    async stop() {
      for (const made of clients) made.destroy();
      await engine.stop();
    },
  };
}
