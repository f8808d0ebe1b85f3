/** What the tools return: the same data as text for a person and as JSON for a program. */
import { type Flow, type FlowBatch, isMjflowError, type Task } from "@mjflow/client";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { nameOf } from "../draw/task.ts";
import { stripControlCharacters } from "../text.ts";
import { UsageError } from "../usage-error.ts";

const TaskResult = z.object({
  id: z.string().describe("Id for the tool press."),
  press: z.string().nullable().describe("The button that made this task; null for the first task."),
  parentId: z.string().nullable(),
  status: z.string(),
  progress: z.number().describe("Percent."),
  pictures: z.array(z.string()).describe("URLs of the images or videos."),
  text: z.string().nullable().describe("Result of describe and shorten."),
  buttons: z.array(z.string()).describe("Names of the buttons that can be pressed."),
  failure: z.string().nullable(),
});

export const FlowResult = z.object({
  flowId: z.string(),
  status: z.enum(["running", "completed", "failed", "canceled"]),
  prompt: z.string().nullable(),
  originalPrompt: z.string().nullable().describe("The prompt before its translation; null if it was not translated."),
  provider: z.string(),
  tasks: z.array(TaskResult),
});
export type FlowResult = z.infer<typeof FlowResult>;

export function flowResult({ id, status, prompt, originalPrompt = null, provider, tasks }: Flow): FlowResult {
  return { flowId: id, status, prompt, originalPrompt, provider, tasks: tasks.map(taskResult) };
}

function taskResult(task: Task): z.infer<typeof TaskResult> {
  const { id, press, parentId, status, progress, text, failure, failReason } = task;
  const buttons = task.buttons.map(({ name, label, emoji }) => name ?? (label || emoji));
  const reason = failure ? `${failure.code}: ${failReason ?? failure.message}` : null;
  return { id, press, parentId, status, progress, pictures: picturesOf(task), text, buttons, failure: reason };
}

type Media = Pick<Task, "copies" | "images" | "videos" | "imageUrl">;

/** An archived copy has priority over the vendor's link, which expires. */
export function picturesOf({ copies, images, videos, imageUrl }: Media): string[] {
  const media = [...images, ...videos].map(({ url }) => url);
  if (media.length === 0 && imageUrl !== null) media.push(imageUrl);
  return media.map((url) => copies.find(({ source }) => source === url)?.url ?? url);
}

/** @param hidden removes the API key from a text */
export function flowContent(flow: Flow, hidden: (text: string) => string, advice?: string): CallToolResult {
  const lines = flow.tasks.map((task) => {
    const { status, pictures, text, failure } = taskResult(task);
    const result = pictures.length > 0 ? pictures.join(" ") : (text ?? failure ?? "");
    return `${"  ".repeat(task.depth)}${nameOf(task)} ${status} ${task.id} ${stripControlCharacters(result)}`.trimEnd();
  });
  const text = [`${flow.id} ${flow.status}`, ...lines, ...(advice === undefined ? [] : [advice])].join("\n");
  return resultOf(text, flowResult(flow), hidden);
}

export const BatchResult = z.object({
  created: z.number(),
  failed: z.number(),
  estimatedUsd: z.number().describe("Estimated price of all created flows."),
  flows: z.array(
    z.object({ flowId: z.string().nullable(), prompt: z.string().nullable(), failure: z.string().nullable() }),
  ),
});

export function batchContent({ data, ...sums }: FlowBatch, hidden: (text: string) => string): CallToolResult {
  const flows = data.map(({ flow, error }) => ({
    flowId: flow?.id ?? null,
    prompt: flow?.prompt ?? null,
    failure: error && `${error.code}: ${error.detail}`,
  }));
  const { created, failed, estimatedUsd } = sums;
  const lines = flows.map(({ flowId, failure }) => stripControlCharacters(flowId ?? failure ?? ""));
  const text = [`${created} created, ${failed} failed. Call wait with each flowId.`, ...lines].join("\n");
  return resultOf(text, { created, failed, estimatedUsd, flows }, hidden);
}

export function resultOf(
  text: string,
  structured: Record<string, unknown>,
  hidden: (text: string) => string,
): CallToolResult {
  const structuredContent = JSON.parse(hidden(JSON.stringify(structured))) as Record<string, unknown>;
  return { content: [{ type: "text", text: hidden(text) }], structuredContent };
}

/** An error of the API or of the arguments is a result that the model can act on. Any other error is a bug. */
export function errorContent(error: unknown, hidden: (text: string) => string): CallToolResult {
  return { isError: true, content: [{ type: "text", text: hidden(errorText(error)) }] };
}

function errorText(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (!isMjflowError(error)) throw error;
  const { code, detail, advice, more, retry } = error;
  const { offered } = more;
  return [
    `${code}: ${detail}`,
    ...(Array.isArray(offered) ? [`Offered buttons: ${offered.join(", ")}.`] : []),
    ...(advice === undefined ? [] : [advice]),
    retry === "later" ? "The same call can succeed later." : "The same call cannot succeed.",
  ].join("\n");
}
