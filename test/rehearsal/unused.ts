/** Finds permissions that no call of the rehearsal needed. */

/**
 * Permissions that the rehearsal does not need, by reason. `action name`, where the name has no account and no random part.
 * Each other permission must be used.
 */
const NOT_REACHED: Record<string, Record<string, string[]>> = {
  "every function may use the same five actions on the table (tableAccess); not each bundle has all of them": {
    Api: ["dynamodb:UpdateItem TableTable"],
    Archive: ["dynamodb:BatchGetItem TableTable", "dynamodb:Query TableTable", "dynamodb:UpdateItem TableTable"],
    Callback: ["dynamodb:BatchGetItem TableTable", "dynamodb:UpdateItem TableTable"],
    Deadletter: [
      "dynamodb:GetItem TableTable",
      "dynamodb:BatchGetItem TableTable",
      "dynamodb:Query TableTable",
      "dynamodb:UpdateItem TableTable",
    ],
    Deliver: ["dynamodb:UpdateItem TableTable"],
    Stream: ["dynamodb:PutItem TableTable", "dynamodb:UpdateItem TableTable"],
    Submit: ["dynamodb:UpdateItem TableTable"],
    Sweep: ["dynamodb:UpdateItem TableTable"],
  },
  "needs a crash or a lost message": {
    Api: ["sqs:SendMessage ArchiveQueueQueue", "sqs:SendMessage DeliverQueueQueue"],
    Archive: ["sqs:SendMessage SubmitQueueQueue", "sqs:SendMessage ArchiveQueueQueue"],
    Submit: ["sqs:SendMessage SubmitQueueQueue", "sqs:SendMessage DeliverQueueQueue"],
    Sweep: [
      "dynamodb:DeleteItem TableTable",
      "sqs:SendMessage SubmitQueueQueue",
      "sqs:SendMessage DeliverQueueQueue",
      "sqs:SendMessage ArchiveQueueQueue",
      "sqs:SendMessage RepairQueueQueue",
      "sqs:DeleteMessage RepairQueueQueue",
      "sqs:GetQueueAttributes SubmitQueueQueue",
    ],
  },
  "needs a task that failed five times inside mjflow": { Deadletter: ["sqs:SendMessage DeliverQueueQueue"] },
  "needs a receiver that fails for minutes": { Deliver: ["sqs:SendMessage DeliverQueueQueue"] },
  "needs an object that is missing": { Archive: ["s3:ListBucket blobsbucket"], Submit: ["s3:ListBucket blobsbucket"] },
  "needs an upload of several parts that fails": { Archive: ["s3:AbortMultipartUpload blobsbucket/media/*"] },
};

/** Leaves out region, account, stage and the random end of a name: "dynamodb:Query TableTable/index/due". */
export function shortOf(permission: string): string {
  const [action = "", arn = ""] = permission.split(" ");
  const name = arn
    .split(":")
    .slice(5)
    .join(":")
    .replace(/^(table|event-bus)\//, "");
  return `${action} ${name.replace(/^[a-z0-9]+-[a-z0-9]+-/, "").replace(/^(\w+)-[a-z]+/, "$1")}`;
}

/** @returns "function action name" of each permission without a use and without a reason */
export function unusedPermissions(
  granted: ReadonlyMap<string, readonly string[]>,
  used: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const excused = (name: string, permission: string) =>
    Object.values(NOT_REACHED).some((functions) => functions[name]?.includes(shortOf(permission)));
  return [...granted].flatMap(([name, permissions]) =>
    [...new Set(permissions)]
      .filter((permission) => !used.get(name)?.has(permission) && !excused(name, permission))
      .map((permission) => `${name} ${shortOf(permission)}`),
  );
}
