/** How many messages are where, as SQS counts them: about, and free of anything in them. */
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
  urls: Record<QueueDepth["name"], () => string>;
}

/** One request for each queue. */
export function createSqsDepths({ client, urls }: DepthDeps): QueueDepths {
  async function depthOf(name: QueueDepth["name"]): Promise<QueueDepth> {
    const [sqs, { GetQueueAttributesCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
    const asked = { QueueUrl: urls[name](), AttributeNames: Object.values(COUNTED) };
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand(asked)).catch((cause: unknown) => {
      throw new MjflowError("overloaded", { detail: `The queue ${name} does not tell how much waits in it.`, cause });
    });
    const count = (of: keyof typeof COUNTED) => Number(Attributes[COUNTED[of]] ?? 0);
    return { name, waiting: count("waiting"), inFlight: count("inFlight"), delayed: count("delayed") };
  }
  return () => Promise.all((Object.keys(urls) as QueueDepth["name"][]).map(depthOf));
}
