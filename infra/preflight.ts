/**
 * Stops a deployment before it makes anything. SST registers resources while it evaluates them, so a fault that is found
 * later leaves half a stage behind.
 *
 * `sst.config.ts` refuses a missing region even earlier, because SST makes its own buckets in the region first. The imports
 * check every setting.
 */
import { account } from "./account.ts";
import { missingTrial, secretFaults } from "./readiness.ts";
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";

const trial = missingTrial({
  production: stage.production && !$dev,
  exists: Object.keys($cli.state.version).length > 0,
  others: account.stages?.filter((name) => name !== stage.name),
  skip: setting.skipsTrialStage,
});

const faults = [...secretFaults(process.env), ...(trial === undefined ? [] : [trial])];
if (faults.length > 0) throw new Error(`Nothing was deployed.\n${faults.map((fault) => `- ${fault}`).join("\n")}`);

const warnings = [...stage.warnings];
if (stage.production && setting.alarmEmail === undefined)
  warnings.push("MJFLOW_ALARM_EMAIL is unset, so AWS sends no mail about alarms and the budget");
if (stage.production && !setting.alarms)
  warnings.push("MJFLOW_ALARMS is off, so production has no alarm and no dashboard");
// SST prints what a program writes to standard error, but no warnings of Pulumi.
for (const warning of warnings) console.error(`Warning: ${warning}`);
