/** A provider whose family is loaded with its first call, so a deployment without it pays no cold start for it. */
import type { Provider, SubmitOutcome } from "@mjflow/core/port";
import type { Calls, Form, ProviderDeps } from "../family.ts";

/** @param unproven names of `form.unproven` that are on */
export function createFamilyProvider(form: Form, deps: ProviderDeps, unproven: readonly string[] = []): Provider {
  const on = new Set(unproven);
  let loading: Promise<Calls> | undefined;
  function calls(): Promise<Calls> {
    loading ??= form.load().then(({ connect }) => connect(deps, on));
    // The next call tries again, because a file may be readable then.
    loading.catch(() => (loading = undefined));
    return loading;
  }
  /** Nothing was sent if the code cannot be loaded, so the task may wait. */
  async function paid<T>(call: (calls: Calls) => Promise<T>): Promise<T | Extract<SubmitOutcome, { kind: "busy" }>> {
    const loaded = await calls().catch(() => undefined);
    return loaded
      ? call(loaded)
      : { kind: "busy", reason: "the code of the family was not loaded", about: "connection" };
  }
  return {
    id: form.id,
    title: form.title,
    capabilities: Object.assign({ ...form.capabilities }, ...unproven.map((name) => form.unproven[name])),
    submit: (call, context) => paid((family) => family.submit(call, context)),
    press: (call, context) => paid((family) => family.press(call, context)),
    modal: (call, context) => paid((family) => family.modal(call, context)),
    upload: (images, account) => paid((family) => family.upload(images, account)),
    lookup: async (ids, account) => (await calls()).lookup(ids, account),
    search: async (states, account) => (await calls()).search(states, account),
    seed: async (id, account) => (await calls()).seed(id, account),
  };
}
