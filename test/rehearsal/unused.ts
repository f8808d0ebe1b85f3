/** Finds permissions that no call of the rehearsal needed. */

/**
 * Permissions that the rehearsal does not need, by reason. `action name`, where the name has no account and no random part.
 * Each other permission must be used. A run prints those of them that it used anyway.
 */
const NOT_REACHED: Record<string, Record<string, string[]>> = {
  "an upload is scaled down only for a vendor without links, and the server of the rehearsal runs no function for another one":
    {
      Api: ["lambda:InvokeFunction ReduceFunction"],
      Reduce: ["s3:GetObject blobsbucket/uploads/*", "s3:PutObject blobsbucket/uploads/*", "s3:ListBucket blobsbucket"],
    },
  "the end of a task releases its slot and wakes waiting tasks, but a task that is archived holds none any more": {
    Archive: ["sqs:SendMessage SubmitQueueQueue"],
  },
  "deletes a root without a flow, which only an earlier version can leave, or an entry of a wait list after a crash": {
    Sweep: ["dynamodb:DeleteItem TableTable"],
  },
  "writes the day on which a key was used, if the API has not got a request with this key on this day": {
    Stream: ["dynamodb:PutItem TableTable"],
  },
  "reads one row or several at once, which depends on how calls of the shared code coincide": {
    Archive: ["dynamodb:BatchGetItem TableTable"],
    Callback: ["dynamodb:BatchGetItem TableTable"],
    Deadletter: ["dynamodb:BatchGetItem TableTable", "dynamodb:GetItem TableTable"],
    Submit: ["dynamodb:BatchGetItem TableTable"],
  },
};

/** Leaves out region, account, stage and the random end of a name: "dynamodb:Query TableTable/index/due". */
export function shortOf(permission: string): string {
  const [action = "", arn = ""] = permission.split(" ");
  const name = arn
    .split(":")
    .slice(5)
    .join(":")
    .replace(/^(?:(?:table|event-bus)\/|function:)/, "");
  return `${action} ${name.replace(/^[a-z0-9]+-[a-z0-9]+-/, "").replace(/^(\w+)-[a-z]+/, "$1")}`;
}

export interface Unused {
  /** "function action name" of each permission without a use and without a reason. */
  unused: string[];
  /** The permissions with a reason. */
  reasons: string[];
  /** Permissions with a reason that were used. */
  stale: string[];
}

export function unusedPermissions(
  granted: ReadonlyMap<string, readonly string[]>,
  used: ReadonlyMap<string, ReadonlySet<string>>,
  named = NOT_REACHED,
): Unused {
  const all = [...granted].flatMap(([name, permissions]) =>
    [...new Set(permissions)].map((permission) => ({ name, permission, short: shortOf(permission) })),
  );
  const reasonOf = (name: string, short: string) =>
    Object.entries(named).find(([, functions]) => functions[name]?.includes(short))?.[0];
  const result: Unused = { unused: [], reasons: [], stale: [] };
  for (const { name, permission, short } of all) {
    const reason = reasonOf(name, short);
    const line = `${name} ${short}`;
    if (used.get(name)?.has(permission)) {
      if (reason !== undefined) result.stale.push(line);
    } else if (reason === undefined) result.unused.push(line);
    else result.reasons.push(`${line}: ${reason}`);
  }
  return result;
}
