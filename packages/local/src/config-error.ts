/** An error that a person can fix. Its message is printed as it is, without a stack. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
