/** Reads the Dockerfile and `.dockerignore`, as far as this project uses their syntax. Anything else is an error. */
import { matchesGlob } from "node:path";

export interface Instruction {
  name: string;
  /** Text after the name, with continued lines joined. */
  text: string;
}

export interface Stage {
  image: string;
  /** Name after `AS`; unset for the last stage. */
  name?: string | undefined;
  instructions: Instruction[];
}

export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n");
  for (const line of lines.filter((each) => each.trim() !== "")) {
    const [, name = "", rest = ""] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (name === "FROM") {
      const [, image = "", stage] = /^(\S+)(?: AS (\S+))?$/.exec(rest)!;
      stages.push({ image, name: stage, instructions: [] });
    } else if (name === "" || stages.length === 0) throw new Error(`Dockerfile: cannot read "${line}"`);
    else stages.at(-1)!.instructions.push({ name, text: rest });
  }
  return stages;
}

/** Returns the command of CMD and of HEALTHCHECK, which must be a JSON array: a shell would keep the stop signal. */
export function commandOf(text: string): string[] {
  const json = /\[.*\]$/.exec(text)?.[0];
  if (json === undefined) throw new Error(`Dockerfile: "${text}" is no JSON array`);
  return JSON.parse(json) as string[];
}

/** True for a path that `COPY . .` leaves out. A pattern excludes a file, or a folder with all of its files. */
export function isIgnored(path: string, dockerignore: string): boolean {
  const patterns = dockerignore.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const parts = path.split("/");
  const parents = parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  return patterns.some((pattern) => parents.some((parent) => matchesGlob(parent, pattern)));
}
