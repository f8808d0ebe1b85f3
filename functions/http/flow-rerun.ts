/** `POST /v1/flows/{id}/rerun`: a new flow from the request of an earlier one, with changes. */
import { MjflowError } from "@mjflow/core/error";
import { FlowRequest } from "@mjflow/core/request";
import { createFlow, newFlowId } from "@mjflow/engine/create";
import { getOwnFlow } from "@mjflow/engine/own";
import { rerunRequest } from "@mjflow/engine/rerun";
import type { CreatedFlow } from "@mjflow/engine/start-flow";
import type { Context } from "hono";
import { type AppEnv, checkCallbackUrl } from "./env.ts";
import { idempotent } from "./idempotency.ts";
import { validate } from "./validate.ts";

/** @throws MjflowError `not_found`; `wrong_state` if images are gone; the errors of a new flow */
export async function rerunFlow(
  c: Context<AppEnv>,
  id: string,
  changes: Readonly<Record<string, unknown>>,
): Promise<CreatedFlow> {
  const [deps, appId] = [c.get("deps"), c.get("appId")];
  // Before the Idempotency-Key is stored: a flow of another app must leave no trace.
  const original = await getOwnFlow(deps, appId, id);
  return idempotent<CreatedFlow>(c, changes, {
    choose: () => newFlowId(deps),
    run: async ({ target: flowId, resumed }) => {
      const { fields, translations, reducedImages } = await rerunRequest(deps, original, changes);
      const { permutations, ...request } = validate(FlowRequest, fields);
      if (permutations === "expand") throw permutationsRefused();
      checkCallbackUrl(c, "notifyHook", request.notifyHook);
      return createFlow(deps, appId, request, deps, { flowId, resumed, rerunOf: id, translations, reducedImages });
    },
    show: (created) => getOwnFlow(deps, appId, created),
  });
}

function permutationsRefused(): MjflowError {
  const field = "permutations";
  return new MjflowError("invalid_request", { field, detail: `${field}: A rerun creates one flow.` });
}
