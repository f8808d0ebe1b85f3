/** Opens a URL in the browser of the person. */
import { spawn } from "node:child_process";
import type { Env } from "./platform.ts";

/** Programs that open a URL, and their arguments before it. The first one that exists is used. */
function programs(env: Env): [program: string, args: string[]][] {
  const own: [string, string[]][] = env["BROWSER"] ? [[env["BROWSER"], []]] : [];
  switch (process.platform) {
    case "darwin":
      return [...own, ["open", []]];
    case "win32":
      return [...own, ["rundll32", ["url.dll,FileProtocolHandler"]]];
    default:
      // xdg-open on a machine without a screen would start a text browser in this terminal.
      return env["DISPLAY"] || env["WAYLAND_DISPLAY"] ? [...own, ["xdg-open", []]] : own;
  }
}

/** @returns false if no program could be started */
export async function openInBrowser(url: string, env: Env): Promise<boolean> {
  for (const [program, args] of programs(env)) {
    if (await starts(program, [...args, url], env)) return true;
  }
  return false;
}

/** The browser outlives this process. No shell: a URL may contain characters that a shell interprets. */
function starts(program: string, args: string[], env: Env): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: "ignore", env: { ...env } });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
