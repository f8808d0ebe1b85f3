/** Types of cli.mjs. */
export function copyProject(): Promise<{
  project: string;
  git(...args: string[]): string;
  /** Changes a file of the copy; returns its new text. */
  edit(file: string, change: (text: string) => string): Promise<string>;
  sst(args: string[], env?: Record<string, string | undefined>): Promise<{ code: number; output: string }>;
  shell(script: string, programs?: Record<string, string>): Promise<{ code: number; output: string }>;
  publish(file: string, text: string): void;
  close(): void;
}>;
