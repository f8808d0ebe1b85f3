/**
 * What the AWS account says before the first resource is made. SST passes the responses of these two reads to no resource.
 */
const CONCURRENT_EXECUTIONS = { serviceCode: "lambda", quotaCode: "L-B99A9384" };

export interface Account {
  /** Concurrent executions of Lambda functions that AWS grants the account in this region; undefined if unknown. */
  lambdaQuota: number | undefined;
  /** Stages of this app in this account and region, the current one included; undefined if unknown. */
  stages: string[] | undefined;
}

/** A deployer without these permissions can deploy: sizes then follow `MJFLOW_LAMBDA_QUOTA`. */
async function readOr<T>(action: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const [reason] = String((error as Error).message).split("\n");
    // SST prints what a program writes to standard error, but no warnings of Pulumi.
    console.error(`Preflight: ${action} failed, so its check is left out: ${reason}`);
    return undefined;
  }
}

/** SST stores a passphrase for each stage, at its first `sst secret set`, `sst diff` or `sst deploy`. */
const PASSPHRASES = `/sst/passphrase/${$app.name}/`;

export const account: Account = {
  lambdaQuota: await readOr("servicequotas:GetServiceQuota", async () => {
    const { value } = await aws.servicequotas.getServiceQuota(CONCURRENT_EXECUTIONS);
    return value;
  }),
  stages: await readOr("ssm:GetParametersByPath", async () => {
    const { names } = await aws.ssm.getParametersByPath({
      path: PASSPHRASES.slice(0, -1),
      recursive: true,
      withDecryption: false,
    });
    return names.map((name) => name.slice(PASSPHRASES.length));
  }),
};
