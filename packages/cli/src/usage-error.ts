/** A mistake in the arguments or the environment. The message says how to correct it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Name of the command whose help the error refers to; undefined refers to the general help. */
  command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}
