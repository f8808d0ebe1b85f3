/** Colours, where there is a person to see them. */
import { styleText } from "node:util";
import type { Env, Output } from "./platform.ts";

export type Style = "dim" | "bold" | "green" | "red" | "yellow" | "cyan";
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_, text) => text;
export const colours: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** https://no-color.org: any value that is not empty turns them off. */
export function paintFor(output: Output, env: Env): Paint {
  return isScreen(output, env) && !env["NO_COLOR"] ? colours : plain;
}

/** Whether what was written can be drawn over. */
export function isScreen(output: Output, env: Env): boolean {
  return output.isTTY === true && env["TERM"] !== "dumb";
}
