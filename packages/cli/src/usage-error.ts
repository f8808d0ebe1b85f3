/** What a person mistyped, said so that the next try is right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Whose help to point at. */
  command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}
