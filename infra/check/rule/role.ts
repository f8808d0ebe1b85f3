import {
  all,
  functionOf,
  type Infra,
  list,
  type Policy,
  type Resource,
  type Rule,
  type Statement,
  some,
} from "../model.ts";

type Role = Resource<{ assumeRolePolicy: string | Policy; inlinePolicies?: { policy: string }[] }>;

function statementsOf(role: Role): Statement[] {
  return list(role.inputs.inlinePolicies).flatMap(({ policy }) => (JSON.parse(policy) as Policy).Statement);
}

/** Matches the objects of one bucket below one prefix; S3 can express them only with a wildcard. */
const OBJECTS = /^arn:aws:s3:::[^*/]+\/[^*]+\/\*$/;

/**
 * AWS's managed policy for writing logs. Its resource is a wildcard, but the policy allows no reading and no deleting.
 */
const LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

export const rolesNameResources: Rule = (infra) =>
  some(infra, "aws:iam/role:Role").flatMap((role) => [
    ...statementsOf(role).flatMap((statement) => [
      ...(statement.Action === undefined || statement.Resource === undefined
        ? [`${role.name} has a statement with NotAction or NotResource`]
        : []),
      ...list(statement.Action)
        .filter((action) => action.includes("*"))
        .map((action) => `${role.name} may ${action}`),
      ...list(statement.Resource)
        .filter((resource) => resource.includes("*") && !OBJECTS.test(resource))
        .map((resource) => `${role.name} may ${list(statement.Action)} on ${resource}`),
    ]),
    ...list(role.inputs.managedPolicyArns)
      .filter((arn) => arn !== LOGS)
      .map((arn) => `${role.name} has ${arn}`),
  ]);

const SERVICES = ["lambda.amazonaws.com", "scheduler.amazonaws.com"];

export const rolesTrustServicesOnly: Rule = (infra) =>
  some(infra, "aws:iam/role:Role").flatMap((role) => {
    const { assumeRolePolicy: given } = role.inputs;
    const trustPolicy = typeof given === "string" ? (JSON.parse(given) as Policy) : given;
    return trustPolicy.Statement.flatMap(({ Principal }) => {
      const { Service, ...others } = typeof Principal === "object" ? Principal : { other: Principal ?? "none" };
      const otherServices = list(Service).filter((service) => !SERVICES.includes(service));
      return Object.keys(others).length > 0 || otherServices.length > 0 || !Service
        ? [`${role.name} trusts ${JSON.stringify(Principal)}`]
        : [];
    });
  });

function grantsOf(infra: Infra, name: string): Set<string> {
  const fn = functionOf(infra, name);
  const role = all(infra, "aws:iam/role:Role").find(({ arn }) => arn === fn?.inputs.role);
  const statements = role ? statementsOf(role) : [];
  return new Set(
    statements
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Action, Resource }) =>
        list(Action).flatMap((action) => list(Resource).map((resource) => `${action} ${resource}`)),
      ),
  );
}

const WRITES = ["dynamodb:PutItem", "dynamodb:UpdateItem"];

/** Each function has exactly the permissions that its code needs; with fewer it would fail on the first request. */
export const functionsHaveNeededPermissions: Rule = (infra) => {
  const arnOf = (name: string) => infra.resources.find((resource) => resource.name === name)?.arn;
  const on = (arn: string | undefined, ...actions: string[]) => actions.map((action) => `${action} ${arn}`);
  const table = arnOf("TableTable");
  const items = on(table, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", ...WRITES);
  const deleting = on(table, "dynamodb:DeleteItem");
  const sending = (...queues: string[]) =>
    queues.flatMap((queue) => on(arnOf(`${queue}QueueQueue`), "sqs:SendMessage"));
  const consume = (queue: string) =>
    on(arnOf(queue), "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes");
  const bucket = arnOf("BlobsBucket");
  const listing = on(bucket, "s3:ListBucket");
  const bus = all(infra, "aws:cloudwatch/eventBus:EventBus").map(({ arn }) => arn);
  const wanted: Record<string, string[]> = {
    Api: [
      ...items,
      ...deleting,
      ...on(`${table}/index/app`, "dynamodb:Query"),
      ...on(`${table}/index/due`, "dynamodb:Query"),
      ...["SubmitQueueQueue", "DeliverQueueQueue", "ArchiveQueueQueue", "DeadLettersQueue"].flatMap((queue) =>
        on(arnOf(queue), "sqs:GetQueueAttributes"),
      ),
      ...sending("Submit", "Deliver", "Archive"),
      ...on(`${bucket}/inputs/*`, "s3:PutObject", "s3:DeleteObject"),
      ...on(`${bucket}/media/*`, "s3:DeleteObject"),
      ...on(`${bucket}/uploads/*`, "s3:GetObject", "s3:PutObject"),
      ...on(`${bucket}/media/*`, "s3:GetObject"),
      ...on(functionOf(infra, "Reduce")?.arn, "lambda:InvokeFunction"),
      ...listing,
    ],
    Reduce: [...on(`${bucket}/uploads/*`, "s3:GetObject", "s3:PutObject"), ...listing],
    Stream: items,
    Callback: [...items, ...sending("Submit", "Deliver", "Archive")],
    Submit: [
      ...items,
      ...deleting,
      ...sending("Submit", "Deliver"),
      ...consume("SubmitQueueQueue"),
      ...on(`${bucket}/inputs/*`, "s3:GetObject"),
      ...listing,
    ],
    Deliver: [
      ...items,
      ...sending("Deliver"),
      ...consume("DeliverQueueQueue"),
      ...bus.flatMap((arn) => on(arn, "events:PutEvents")),
    ],
    Archive: [
      ...items,
      ...sending("Submit", "Deliver", "Archive"),
      ...consume("ArchiveQueueQueue"),
      ...on(`${bucket}/media/*`, "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
      ...listing,
    ],
    Sweep: [
      ...items,
      ...deleting,
      ...on(`${table}/index/due`, "dynamodb:Query"),
      ...sending("Submit", "Deliver", "Archive", "Sweep", "Repair"),
      ...consume("SweepQueueQueue"),
      ...consume("RepairQueueQueue"),
      ...on(arnOf("SubmitQueueQueue"), "sqs:GetQueueAttributes"),
    ],
    Deadletter: [...items, ...sending("Deliver"), ...consume("DeadLettersQueue")],
  };
  return Object.entries(wanted).flatMap(([name, grants]) => {
    const have = grantsOf(infra, name);
    return [
      ...grants.filter((grant) => !have.has(grant)).map((grant) => `${name} lacks the permission ${grant}`),
      ...[...have]
        .filter((grant) => !grants.includes(grant))
        .map((grant) => `${name} has the unnecessary permission ${grant}`),
    ];
  });
};
