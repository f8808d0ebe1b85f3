/** Replays a recorded session against a compat API and checks each response against what the client accepts. */
import { expect } from "vitest";
import { acceptList, acceptSubmit, acceptTask, acceptUpload } from "./accept.ts";
import type { Json, MjResponse } from "./client.ts";
import type { Session, Step } from "./recording.ts";

export interface Stage {
  secret: string;
  send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<MjResponse>;
  /** Lets time pass between two polls of a client. */
  wait(): Promise<void>;
}

/** Maximum number of polls before the test fails. A task takes seconds; Dooy's page polls 99 times. */
const POLLS = 400;

export async function replay({ headers, steps }: Session, stage: Stage): Promise<Map<string, string>> {
  const names = new Map([["secret", stage.secret]]);
  const sent = filled(headers, names) as Record<string, string>;
  for (const step of steps) {
    const [method = "", path = ""] = (filled(step.send, names) as string).split(" ");
    const body = filled(step.body, names);
    let answer = await stage.send(method, path, body, sent);
    for (let polls = 0; !isReached(step, answer.body); polls++) {
      expect(polls, `${step.send}: ${JSON.stringify(answer.body)}`).toBeLessThan(POLLS);
      accept(step, answer, body, path, names);
      await stage.wait();
      answer = await stage.send(method, path, body, sent);
    }
    accept(step, answer, body, path, names);
    const shown = Array.isArray(answer.body) ? answer.body[0] : answer.body;
    if (step.holds) expect(shown, step.send).toMatchObject(step.holds);
    for (const [name, label] of Object.entries(step.buttons ?? {})) {
      const button = shown.buttons.find((b: Json) => b.label === label || b.emoji === label);
      expect(button, `${label} of ${step.send}`).toBeDefined();
      names.set(name, button.customId);
    }
  }
  return names;
}

function accept(step: Step, answer: MjResponse, body: Json, path: string, names: Map<string, string>): void {
  const kind = step.kind ?? "submit";
  if (kind === "task") {
    expect(answer.status).toBe(200);
    acceptTask(answer.body, /\d{16}/.exec(path)![0]);
  } else if (kind === "list") {
    acceptList(answer, body?.ids ?? answer.body.map((task: Json) => task.id));
  } else if (kind === "upload") {
    acceptUpload(answer);
  } else if (kind === "seed") {
    expect(answer).toMatchObject({ status: 200, body: { code: 1, result: expect.stringMatching(/^\d{1,10}$/) } });
  } else {
    const id = acceptSubmit(answer, step.code!);
    // The response to a modal answer has the id of the same task.
    expect(id).toBe(names.get(step.keep!) ?? id);
    names.set(step.keep!, id);
  }
}

function isReached({ until }: Step, body: Json): boolean {
  if (until === undefined) return true;
  const tasks = Array.isArray(body) ? body : [body];
  return tasks.length > 0 && tasks.every((task: Json) => task.status === until);
}

/** Replaces `{name}` in every text of a value. A text that is only `{name}#` becomes a number. */
function filled(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") {
    const text = value.replace(/\{(\w+)\}/g, (whole, name: string) => names.get(name) ?? whole);
    return /^\d+#$/.test(text) ? Number(text.slice(0, -1)) : text;
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, names)]));
}
