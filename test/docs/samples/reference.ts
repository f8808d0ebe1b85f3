/** What the samples of the API reference need: a resource for each operation, and the variables that name it. */
import type { Operation } from "../../../functions/http/openapi/document-model.ts";
import { type Json, type SpawnedServer, until } from "../../support/spawned.ts";

/** A flow with this plan still runs when a sample has started on a busy machine. */
const LONG_PLAN = [{ press: "reroll", then: [{ press: "reroll", then: [{ press: "reroll" }] }] }];

/** Operations whose samples are not run, with the reason. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  media: "needs a signed link of an archived image; test/openapi runs it",
  uploadLink: "needs the signed link of an upload that was sent; test/openapi runs it",
  redriveDeadLetter: "needs a dead-letter message, which no request can make; test/openapi runs it",
  dropDeadLetter: "needs a dead-letter message, which no request can make; test/openapi runs it",
  cancelReplay: "a replay of this server has ended before it can be canceled; test/openapi runs it",
  mjCancel: "the compat API has no cancellation and answers code 4",
  mjAccount: "the compat API has no accounts and answers 404",
};

export interface Prepared {
  variables: Record<string, string>;
  /** Texts of the sample that stand for a resource, with those of this server. */
  replace?: Record<string, string>;
}

const SAMPLE_TASK = "1795219200000123";
const OPEN_TASK = "1795219200000456";

/** Creates what an operation needs. Each sample gets resources of its own, because some delete them. */
export async function prepare(operation: Operation, server: SpawnedServer, receiver: string): Promise<Prepared> {
  const { id, path } = operation;
  const ok = async (method: string, at: string, body?: unknown): Promise<Json> => {
    const response = await server.call(method, at, body);
    if (response.status >= 400) throw new Error(`${method} ${at}: ${JSON.stringify(response.body)}`);
    return response.body;
  };
  const rootOf = (flow: Json) => flow.tasks[0].id as string;
  const endedFlow = async (more: Record<string, unknown> = {}) => server.ended(await server.start(more));
  const failedFlow = () => endedFlow({ prompt: "a boat --sim fail" });
  const openModal = async () => {
    const flow = await endedFlow({ then: [{ press: "U1" }] });
    const upscaled = flow.tasks.find(({ parentId }: Json) => parentId !== null).id;
    const task = await ok("POST", `/v1/tasks/${upscaled}/actions`, { press: "vary:region" });
    await until(
      () => ok("GET", `/v1/tasks/${task.id}`),
      ({ status }) => status === "MODAL",
    );
    return task.id as string;
  };
  const mjTask = async () => {
    const { result } = await ok("POST", "/mj/submit/imagine", { prompt: "a boat" });
    const task = await until(
      () => ok("GET", `/mj/task/${result}/fetch`),
      ({ status }) => status === "SUCCESS",
    );
    return { number: result as string, customId: task.buttons[0].customId as string };
  };
  /** An app can have 20 endpoints, so those of other samples are deleted first. */
  const endpoint = async () => {
    const { data } = await ok("GET", "/v1/endpoints");
    for (const each of data) if (each.id !== "hook") await ok("DELETE", `/v1/endpoints/${each.id}`);
    return (await ok("POST", "/v1/endpoints", { url: receiver })).id as string;
  };
  const delivery = async () => {
    await endpoint();
    const flow = await endedFlow();
    const { data } = await until(
      () => ok("GET", `/v1/deliveries?flow=${flow.id}`),
      (list) => list.data.some(({ status }: Json) => status === "delivered"),
    );
    return data.find(({ status }: Json) => status === "delivered").id as string;
  };
  const app = async () => (await ok("POST", "/v1/apps", { name: "sample" })).id as string;
  const account = async (name: string) => {
    await server.call("POST", `/v1/providers/simulator/accounts/${name}`, {
      baseUrl: `${server.simulatorUrl}/simulator`,
      apiKey: "simulated",
    });
    return { ID: "simulator", NAME: name };
  };
  const one = (ID: string): Prepared => ({ variables: { ID } });

  if (
    id.startsWith("mj") &&
    (path.includes("{id}") || JSON.stringify(operation.body?.example ?? "").includes("17952192"))
  ) {
    if (id === "mjModal") {
      const open = await openModal();
      return { variables: {}, replace: { [OPEN_TASK]: open } };
    }
    const { number, customId } = await mjTask();
    const shown = (operation.body?.example as Json)?.customId as string | undefined;
    return { variables: { ID: number }, replace: { [SAMPLE_TASK]: number, ...(shown && { [shown]: customId }) } };
  }
  if (id === "cancelFlow") return one(await server.start({ prompt: "a boat --sim slow", then: LONG_PLAN }));
  if (id === "resumeFlow") {
    const flow = await server.start({ prompt: "a boat --sim slow", then: [{ press: "U1" }] });
    await ok("POST", `/v1/flows/${flow}/cancel`);
    return one(flow);
  }
  if (id === "retryTask") return one(rootOf(await failedFlow()));
  if (id === "answerModal") return one(await openModal());
  if (id === "revokeShare") {
    const ID = (await endedFlow()).id;
    return { variables: { ID, SHARE_ID: (await ok("POST", `/v1/flows/${ID}/shares`, {})).id } };
  }
  if (id === "getShared") {
    const { token } = await ok("POST", `/v1/flows/${(await endedFlow()).id}/shares`, {});
    return { variables: { MJFLOW_SHARE_LINK: token } };
  }
  if (path.startsWith("/v1/flows/{id}")) return one((await endedFlow()).id);
  if (path.startsWith("/v1/tasks/{id}")) return one(rootOf(await endedFlow()));
  if (path.startsWith("/v1/endpoints/{id}")) return one(await endpoint());
  if (path.startsWith("/v1/deliveries/{id}")) return one(await delivery());
  if (path.startsWith("/v1/replays/{id}"))
    return one((await ok("POST", `/v1/endpoints/${await endpoint()}/replay`, {})).id);
  if (path.startsWith("/v1/apps/{id}")) {
    const ID = await app();
    const key = await ok("POST", `/v1/apps/${ID}/keys`, {});
    return { variables: { ID, KEY_ID: key.id } };
  }
  if (id === "addAccount") return { variables: { ID: "simulator", NAME: `new-${Date.now().toString(36)}` } };
  if (path.startsWith("/v1/providers/{id}")) return { variables: await account(`sample-${Date.now().toString(36)}`) };
  if (path.startsWith("/v1/templates/{name}")) {
    const NAME = `sample-${Date.now().toString(36)}`;
    await ok("PUT", `/v1/templates/${NAME}`, { then: [{ press: "U1" }] });
    return { variables: { NAME } };
  }
  if (path.startsWith("/v1/sessions/{id}")) return one((await ok("POST", "/v1/sessions", {})).id);
  if (id === "signIn") return { variables: { MJFLOW_SIGN_IN_LINK: (await ok("POST", "/v1/sign-in-links", {})).token } };
  if (path === "/docs/errors/{code}") return { variables: { CODE: "not_found" } };
  return { variables: {} };
}
