/**
 * Checks responses field by field against what real clients accept, by their source code: Dooy's web page
 * (src/api/mjapi.ts), new-api as a relay in front of mjflow (dto/midjourney.go, controller/midjourney.go), and
 * novicezk's own task class.
 */
import { expect } from "vitest";
import type { Json } from "./client.ts";

type GoType = "string" | "int" | "any" | "strings" | "urls" | "properties";

/** Go's decoder accepts null for any type and keeps the zero value. Any other wrong type makes the whole body fail. */
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

/** Fields that every task of novicezk and plus has; an unset field is null (docs/protocol.md 3.1). */
const FIELDS = [
  ...["id", "action", "status", "prompt", "promptEn", "description", "state", "submitTime", "startTime", "finishTime"],
  ...["imageUrl", "progress", "failReason", "buttons", "properties"],
];
const STATUSES = ["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "FAILURE", "SUCCESS", "CANCEL"];

/** @param requestedId the id in the client's request; the client compares the id in the response with this text */
export function acceptTask(task: Json, requestedId: string): void {
  for (const field of FIELDS) expect(task, field).toHaveProperty(field);
  for (const [field, type] of Object.entries(GO_TASK)) {
    expect(decodes(type, task[field]), `${field} as a Go ${type}: ${JSON.stringify(task[field])}`).toBe(true);
  }
  expect(task.id).toBe(requestedId);
  expect(STATUSES).toContain(task.status);
  expect(task.progress).toMatch(/^\d{1,3}%$/);
  // The web page and the relay stop polling at 100%, so only a success may have it.
  if (task.progress === "100%") expect(task.status).toBe("SUCCESS");
  if (task.status === "SUCCESS") expect(task.progress).toBe("100%");
  // The relay reads any `failReason` as a failure, and a failure without it as no failure.
  if (["FAILURE", "CANCEL"].includes(task.status)) expect(task.failReason).toMatch(/./);
  else expect(task.failReason || "").toBe("");
  // The web page reads members of both without a check.
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

/** @returns the task id, read like the web page and the relay read it */
export function acceptSubmit({ status, body }: { status: number; body: Json }, code: number): string {
  expect(status).toBe(200);
  expect(decodes("int", body.code) && decodes("string", body.description) && decodes("string", body.result)).toBe(true);
  expect(body.code, body.description).toBe(code);
  expect(body.description).toMatch(/./);
  // The web page reads d.properties.finalPrompt without a check.
  expect(isObject(body.properties)).toBe(true);
  // With `properties.status` a code 21 would mean "exists already", as in an old fork (docs/protocol.md 2.5).
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

/** @param requestedIds the ids in the request; any other id in the response would crash the relay */
export function acceptList({ status, body }: { status: number; body: Json }, requestedIds: readonly unknown[]): void {
  expect(status).toBe(200);
  expect(Array.isArray(body)).toBe(true);
  const known = requestedIds.map(String);
  for (const task of body) {
    expect(known).toContain(task.id);
    acceptTask(task, task.id);
  }
}
