import { all, functionOf, list, type Policy, type Rule } from "../model.ts";

export const sweepRunsEachMinute: Rule = (infra) => {
  const sweep = functionOf(infra, "Sweep");
  const schedules = all(infra, "aws:scheduler/schedule:Schedule").filter(
    ({ inputs }) => inputs.target.arn === sweep?.arn && inputs.state === "ENABLED",
  );
  if (schedules.length !== 1) return [`${schedules.length} schedules run the sweeper`];
  return schedules.flatMap(({ name, inputs }) => {
    const role = all(infra, "aws:iam/role:Role").find(({ arn }) => arn === inputs.target.roleArn);
    const mayInvoke = list(role?.inputs.inlinePolicies)
      .flatMap(({ policy }) => (JSON.parse(policy) as Policy).Statement)
      .some(
        ({ Action, Resource }) =>
          list(Action).includes("lambda:InvokeFunction") && list(Resource).includes(sweep?.arn ?? ""),
      );
    return [
      ...(inputs.scheduleExpression === "rate(1 minute)"
        ? []
        : [`${name} has the schedule ${inputs.scheduleExpression}`]),
      ...(mayInvoke ? [] : [`${name}'s role may not invoke the sweeper`]),
    ];
  });
};
