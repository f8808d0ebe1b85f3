/**
 * What the account may cost in a month: of the whole account, since costs of one stage can only be told apart by tags that
 * somebody has activated in the billing console. AWS counts costs hours late; `WritesRunaway` (alarm.ts) is the quick one.
 */
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";

if (setting.alarmEmail) {
  const notification = {
    comparisonOperator: "GREATER_THAN",
    threshold: 100,
    thresholdType: "PERCENTAGE",
    subscriberEmailAddresses: [setting.alarmEmail],
  };
  new aws.budgets.Budget("Budget", {
    name: `${stage.prefix}-monthly`,
    budgetType: "COST",
    timeUnit: "MONTHLY",
    limitUnit: "USD",
    limitAmount: String(setting.budgetUsd),
    notifications: [
      { ...notification, notificationType: "FORECASTED" },
      { ...notification, notificationType: "ACTUAL" },
    ],
  });
}
