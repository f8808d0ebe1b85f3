/**
 * Monthly budget of the whole AWS account. A budget of one stage would need cost allocation tags, which a person must
 * activate in the billing console. AWS reports costs hours late; the alarm `WriteRateHigh` (alarm.ts) is the fast
 * warning.
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
