/** Text output of the demo: a progress bar for each running task, then the lineage as a tree. Pure. */
import { styleText } from "node:util";

export interface TaskLine {
  id: string;
  parentId: string | null;
  depth: number;
  press: string | null;
  action: string;
  status: string;
  progress: number;
  imageUrl: string | null;
  failReason: string | null;
}

export interface FlowLine {
  id: string;
  status: string;
  tasks: TaskLine[];
  counts: { submissions: number; modals: number; callbacks: number; duplicates: number; lookups: number };
}

/** Applies a color for a terminal, or returns the text unchanged. */
export type Paint = (style: "dim" | "green" | "red" | "cyan" | "bold", text: string) => string;

export const plain: Paint = (_, text) => text;
export const colours: Paint = (style, text) => styleText(style, text, { validateStream: false });

const BAR = 28;

export function nameOf(task: TaskLine): string {
  return task.press ?? task.action.toLowerCase();
}

/** Returns one line per task, aligned and indented by depth. */
export function bars(tasks: readonly TaskLine[], paint: Paint): string[] {
  const labels = tasks.map((task) => `${"  ".repeat(task.depth)}${nameOf(task)}`);
  const width = Math.max(10, ...labels.map((label) => label.length));
  return tasks.map((task, i) => {
    const filled = Math.round((task.progress / 100) * BAR);
    const bar = `${paint(colourOf(task), "█".repeat(filled))}${paint("dim", "░".repeat(BAR - filled))}`;
    const percent = `${task.progress}%`.padStart(4);
    return `  ${labels[i]!.padEnd(width)}  ${bar} ${percent}  ${paint("dim", task.status.toLowerCase())}`;
  });
}

function colourOf({ status }: TaskLine): "green" | "red" | "cyan" {
  if (status === "SUCCESS") return "green";
  return status === "FAILURE" || status === "EXPIRED" || status === "CANCEL" ? "red" : "cyan";
}

/** Returns the lineage as lines: the presses, and the URL of each image. */
export function tree(tasks: readonly TaskLine[], paint: Paint): string[] {
  const rows: { line: string; task: TaskLine }[] = [];
  const add = (task: TaskLine, lead: string, isLast: boolean) => {
    const isRoot = task.parentId === null;
    const branch = isRoot ? "" : isLast ? "└─ " : "├─ ";
    rows.push({ line: `${lead}${branch}${nameOf(task)}`, task });
    const children = tasks.filter((other) => other.parentId === task.id);
    const below = isRoot ? "" : `${lead}${isLast ? "   " : "│  "}`;
    children.forEach((child, i) => void add(child, below, i === children.length - 1));
  };
  for (const root of tasks.filter((task) => task.parentId === null)) add(root, "", true);
  const width = Math.max(...rows.map(({ line }) => line.length));
  return rows.map(({ line, task }) => {
    const end = task.imageUrl ?? task.failReason ?? "";
    const mark = task.status === "SUCCESS" ? paint("green", "✓") : paint("red", "✗");
    return `  ${line.padEnd(width)}  ${mark} ${paint("dim", end)}`;
  });
}

export function counts({ counts }: FlowLine, paint: Paint): string[] {
  const rows: [string, number][] = [
    ["submissions", counts.submissions],
    ["callbacks", counts.callbacks],
    ["duplicates", counts.duplicates],
    ["vendor look-ups", counts.lookups],
  ];
  return rows.map(([name, count]) => `  ${name.padEnd(16)} ${paint("bold", String(count))}`);
}
