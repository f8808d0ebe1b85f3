/** Colors for terminal output. */
import { styleText } from "node:util";
import type { Env, Output } from "./platform.ts";

export type Style = "dim" | "bold" | "green" | "red" | "yellow" | "cyan";
export type Painter = (style: Style, text: string) => string;

export const plain: Painter = (_, text) => text;
export const colours: Painter = (style, text) => styleText(style, text, { validateStream: false });

/** https://no-color.org: any value that is not empty turns them off. */
export function paintFor(output: Output, env: Env): Painter {
  return isScreen(output, env) && !env["NO_COLOR"] ? colours : plain;
}

/** True if the output is a terminal that can be redrawn. */
export function isScreen(output: Output, env: Env): boolean {
  return output.isTTY === true && env["TERM"] !== "dumb";
}
