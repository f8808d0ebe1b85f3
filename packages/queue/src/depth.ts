/** Reads the approximate number of messages in each queue from SQS. No message is read. */
import type { SQSClient } from "@aws-sdk/client-sqs";
import { MjflowError } from "@mjflow/core/error";
import type { QueueDepth, QueueDepths } from "@mjflow/core/port";

const COUNTED = {
  waiting: "ApproximateNumberOfMessages",
  inFlight: "ApproximateNumberOfMessagesNotVisible",
  delayed: "ApproximateNumberOfMessagesDelayed",
} as const;

export interface DepthDeps {
  client: () => Promise<SQSClient>;
  /** The queues whose depths are read. */
  urls: Partial<Record<QueueDepth["name"], () => string>>;
}

/** Returns the depth of each given queue, with one request per queue. */
export function createSqsDepths({ client, urls }: DepthDeps): QueueDepths {
  async function depthOf(name: QueueDepth["name"]): Promise<QueueDepth> {
    const [sqs, { GetQueueAttributesCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
    const input = { QueueUrl: urls[name]!(), AttributeNames: Object.values(COUNTED) };
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand(input)).catch((cause: unknown) => {
      throw new MjflowError("overloaded", { detail: `The depth of the queue ${name} could not be read.`, cause });
    });
    const count = (of: keyof typeof COUNTED) => Number(Attributes[COUNTED[of]] ?? 0);
    return { name, waiting: count("waiting"), inFlight: count("inFlight"), delayed: count("delayed") };
  }
  return () => Promise.all((Object.keys(urls) as QueueDepth["name"][]).map(depthOf));
}
