/**
 * What real clients do with an answer, as their sources have it: Dooy's page (src/api/mjapi.ts), new-api as a relay in
 * front of us (dto/midjourney.go, controller/midjourney.go), and novicezk's own task class. An answer that any of them
 * would not take fails here, field by field.
 */
import { expect } from "vitest";
import type { Json } from "./client.ts";

type GoType = "string" | "int" | "any" | "strings" | "urls" | "properties";

/** Go's decoder takes null for anything and leaves the zero value; every other mismatch fails the whole body. */
function decodes(type: GoType, value: unknown): boolean {
  if (value === null || value === undefined || type === "any") return true;
  if (type === "string") return typeof value === "string";
  if (type === "int") return Number.isSafeInteger(value);
  const items = type === "properties" ? [value] : value;
  if (!Array.isArray(items)) return false;
  if (type === "strings") return items.every((item) => typeof item === "string");
  const fields = type === "urls" ? ["url"] : ["finalPrompt", "finalZhPrompt"];
  return items.every((item) => isObject(item) && fields.every((field) => decodes("string", item[field])));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const GO_TASK: Record<string, GoType> = {
  id: "string",
  action: "string",
  customId: "string",
  botType: "string",
  prompt: "string",
  promptEn: "string",
  description: "string",
  state: "string",
  submitTime: "int",
  startTime: "int",
  finishTime: "int",
  imageUrl: "string",
  videoUrl: "string",
  videoUrls: "urls",
  status: "string",
  progress: "string",
  failReason: "string",
  buttons: "any",
  maskBase64: "string",
  properties: "properties",
};

/** novicezk's and plus's task has all of these, null where unset; docs/protocol.md 3.1. */
const FIELDS = [
  ...["id", "action", "status", "prompt", "promptEn", "description", "state", "submitTime", "startTime", "finishTime"],
  ...["imageUrl", "progress", "failReason", "buttons", "properties"],
];
const STATUSES = ["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "FAILURE", "SUCCESS", "CANCEL"];

/** @param asked the id under which the client asked: it looks for that very text */
export function acceptTask(task: Json, asked: string): void {
  for (const field of FIELDS) expect(task, field).toHaveProperty(field);
  for (const [field, type] of Object.entries(GO_TASK)) {
    expect(decodes(type, task[field]), `${field} as a Go ${type}: ${JSON.stringify(task[field])}`).toBe(true);
  }
  expect(task.id).toBe(asked);
  expect(STATUSES).toContain(task.status);
  expect(task.progress).toMatch(/^\d{1,3}%$/);
  // The page stops at 100%, the relay too; only a success may be there.
  if (task.progress === "100%") expect(task.status).toBe("SUCCESS");
  if (task.status === "SUCCESS") expect(task.progress).toBe("100%");
  // The relay takes any reason for a failure, and a failure without one for none.
  if (["FAILURE", "CANCEL"].includes(task.status)) expect(task.failReason).toMatch(/./);
  else expect(task.failReason || "").toBe("");
  // The page reads both unasked.
  expect(isObject(task.properties)).toBe(true);
  expect(Array.isArray(task.buttons)).toBe(true);
  for (const button of task.buttons) {
    expect(button).toEqual({
      customId: expect.stringMatching(/./),
      label: expect.any(String),
      emoji: expect.any(String),
      type: 2,
      style: expect.any(Number),
    });
    expect(button.label + button.emoji).not.toBe("");
  }
  expect(new Set(task.buttons.map((button: Json) => button.customId)).size).toBe(task.buttons.length);
  for (const time of ["submitTime", "startTime", "finishTime"]) {
    if (task[time] !== null) expect(task[time]).toBeGreaterThan(1e12);
  }
}

/** @returns the id, as the page and the relay read it */
export function acceptSubmit({ status, body }: { status: number; body: Json }, code: number): string {
  expect(status).toBe(200);
  expect(decodes("int", body.code) && decodes("string", body.description) && decodes("string", body.result)).toBe(true);
  expect(body.code, body.description).toBe(code);
  expect(body.description).toMatch(/./);
  // The page: d.properties.finalPrompt, without asking first.
  expect(isObject(body.properties)).toBe(true);
  // What makes a 21 an old fork's "exists already" (docs/protocol.md 2.5).
  expect(body.properties).not.toHaveProperty("status");
  expect(body.result).toMatch(/^\d{16}$/);
  return body.result;
}

export function acceptUpload({ status, body }: { status: number; body: Json }): void {
  expect(status).toBe(200);
  expect(decodes("int", body.code) && decodes("strings", body.result)).toBe(true);
  expect(body.code).toBe(1);
  for (const url of body.result) expect(URL.canParse(url)).toBe(true);
}

/** @param asked the ids in the request: an answer with any other would crash the relay */
export function acceptList({ status, body }: { status: number; body: Json }, asked: readonly unknown[]): void {
  expect(status).toBe(200);
  expect(Array.isArray(body)).toBe(true);
  const known = asked.map(String);
  for (const task of body) {
    expect(known).toContain(task.id);
    acceptTask(task, task.id);
  }
}
