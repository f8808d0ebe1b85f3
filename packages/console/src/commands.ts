/** The actions of the open page, for the command palette. A component adds its actions while it is shown. */
import { useEffect, useRef } from "react";

export interface Command {
  id: string;
  name: string;
  icon: string;
  run(): void;
}

const sources = new Set<() => readonly Command[]>();

export function useCommands(commands: readonly Command[]): void {
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    const source = () => latest.current;
    sources.add(source);
    return () => {
      sources.delete(source);
    };
  }, []);
}

export function pageCommands(): readonly Command[] {
  return [...sources].flatMap((source) => source());
}
