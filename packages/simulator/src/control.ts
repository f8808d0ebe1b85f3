/**
 * The control API under /_sim: read the ledger, add faults, set scenarios, read a task. It is for tests in other processes
 * and for curl. It returns no notifyHook URL and no key.
 */
import { type Faults, parseFault } from "./fault.ts";
import type { LedgerBook } from "./ledger.ts";
import type { TaskLifecycle } from "./lifecycle.ts";
import { isProviderId, PROVIDER_IDS, type ProviderId } from "./provider.ts";
import { parseScenario, type Scenario } from "./scenario.ts";
import type { Task } from "./task.ts";

export interface ControlReply {
  status: number;
  body: unknown;
}

export interface Control {
  handle(method: string, path: string, body: string): ControlReply;
}

export interface ControlDeps {
  ledger: LedgerBook;
  clearLedger(): void;
  faults: Faults;
  life: TaskLifecycle;
  scenarioOf(provider: ProviderId): Scenario;
  setScenario(provider: ProviderId, scenario: Scenario): void;
  baseUrl(provider: ProviderId): string;
}

export function createControl(parts: ControlDeps): Control {
  const { faults, ledger, life } = parts;

  function scenario(method: string, provider: string, body: string): ControlReply {
    if (!isProviderId(provider))
      return problem(404, `Unknown vendor "${provider}". Known vendors: ${PROVIDER_IDS.join(", ")}.`);
    if (method === "GET") return { status: 200, body: parts.scenarioOf(provider) };
    if (method !== "PUT") return problem(405, "Use GET or PUT.");
    const parsed = parseScenario(parse(body));
    if ("problem" in parsed) return problem(400, parsed.problem);
    parts.setScenario(provider, parsed);
    return { status: 200, body: parsed };
  }

  return {
    handle(method, path, body) {
      const [, , resource = "", name = ""] = path.split("/");
      switch (`${method} ${resource}`) {
        case "GET ":
          return { status: 200, body: Object.fromEntries(PROVIDER_IDS.map((id) => [id, parts.baseUrl(id)])) };
        case "GET ledger":
          return { status: 200, body: ledger.view() };
        case "DELETE ledger":
          parts.clearLedger();
          return { status: 200, body: ledger.view() };
        case "GET faults":
          return { status: 200, body: faults.all() };
        case "DELETE faults":
          faults.clear();
          return { status: 200, body: [] };
        case "POST faults": {
          const spec = parseFault(parse(body));
          return "problem" in spec ? problem(400, spec.problem) : { status: 201, body: faults.arm(spec) };
        }
        case "GET tasks": {
          const task = life.find(name);
          return task ? { status: 200, body: shown(task) } : problem(404, `Task "${name}" does not exist.`);
        }
        case "GET scenarios":
        case "PUT scenarios":
          return scenario(method, name, body);
        default:
          return problem(404, "Resources of /_sim: ledger, faults, scenarios/<vendor>, tasks/<id>.");
      }
    },
  };
}

/** Returns a task with `hasHook` instead of its callback URL, which is also in the request. */
function shown(task: Task) {
  const { notifyHook, request: _, ...rest } = task;
  return { ...rest, hasHook: notifyHook !== null };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function problem(status: number, message: string): ControlReply {
  return { status, body: { error: message } };
}
