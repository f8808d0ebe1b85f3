/** Templates of apps: store, read and delete plans, and use them in requests. */
import { MjflowError } from "@mjflow/core/error";
import { nearest } from "@mjflow/core/nearest";
import { storedPlan } from "@mjflow/core/plan";
import type { FlowRequest, PlanInput, TemplateRequest } from "@mjflow/core/request";
import { TEMPLATE_NAME, TEMPLATES_PER_APP, type Template } from "@mjflow/core/template";
import type { EngineDeps } from "../deps.ts";
import { deleteWithRetry, updateWithRetry } from "../step/update-with-retry.ts";

type TemplateDeps = Pick<EngineDeps, "store" | "clock" | "log">;

const WRITE = { code: "write_conflict", detail: "Other requests change the same template." } as const;

/**
 * Stores a plan under a name, or replaces the stored one. The plan is checked as in a flow, without a vendor.
 *
 * @returns the template, and whether it is new
 * @throws MjflowError `invalid_request` with the field; `limit_reached` if the app has the maximum number of templates;
 *   `write_conflict`
 */
export async function saveTemplate(
  { store, clock, log }: TemplateDeps,
  appId: string,
  name: string,
  { then, description }: TemplateRequest,
): Promise<{ template: Template; isNew: boolean }> {
  assertName(name);
  storedPlan(then, { ref: name, images: [] });
  assertNoMask(then, "then");
  const now = clock.now();
  const { read, row } = await updateWithRetry<{ existing: Template | undefined }, Template>({
    ...WRITE,
    read: async () => ({ existing: await store.template(appId, name) }),
    async to({ existing }) {
      if (!existing && (await store.templates(appId)).length >= TEMPLATES_PER_APP) {
        throw new MjflowError("limit_reached", { detail: `An app has at most ${TEMPLATES_PER_APP} templates.` });
      }
      const { rev = 0, createdAt = now } = existing ?? {};
      return { appId, name, rev, createdAt, updatedAt: now, then, ...(description !== undefined && { description }) };
    },
    save: (template) => store.saveTemplate(template),
  });
  log.info("template.saved", { app: appId, template: name });
  return { template: row!, isNew: !read?.existing };
}

/** @throws MjflowError `not_found` */
export async function getTemplate({ store }: TemplateDeps, appId: string, name: string): Promise<Template> {
  const template = TEMPLATE_NAME.test(name) ? await store.template(appId, name) : undefined;
  if (!template) throw new MjflowError("not_found");
  return template;
}

/** @throws MjflowError `not_found`; `write_conflict` */
export async function deleteTemplate(deps: TemplateDeps, appId: string, name: string): Promise<void> {
  await deleteWithRetry(await getTemplate(deps, appId, name), {
    ...WRITE,
    remove: (template) => deps.store.deleteTemplate(template),
    read: () => deps.store.template(appId, name),
  });
  deps.log.info("template.deleted", { app: appId, template: name });
}

/**
 * Returns the request with the plan of its template.
 * @throws MjflowError `invalid_request` with the field `template` if the app has no such template
 */
export async function withTemplate(
  { store }: Pick<EngineDeps, "store">,
  appId: string,
  request: FlowRequest,
): Promise<FlowRequest> {
  const { template: name } = request;
  if (name === undefined) return request;
  const template = TEMPLATE_NAME.test(name) ? await store.template(appId, name) : undefined;
  if (template) return { ...request, then: template.then };
  const names = (await store.templates(appId)).map((each) => each.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? "`GET /v1/templates` lists all." : `Did you mean "${meant}"?`;
  throw new MjflowError("invalid_request", {
    field: "template",
    detail: `template: There is no such template. ${hint}`,
  });
}

function assertName(name: string): void {
  if (TEMPLATE_NAME.test(name)) return;
  const detail =
    "The name must have 1 to 60 letters, digits, dots, underscores or hyphens, and begin with a letter or digit.";
  throw new MjflowError("invalid_request", { field: "name", detail });
}

/** A mask has the size of one image. */
function assertNoMask(then: readonly PlanInput[], at: string): void {
  for (const [i, { modal, then: next = [] }] of then.entries()) {
    const field = `${at}[${i}].modal.maskBase64`;
    if (modal?.maskBase64 !== undefined) {
      const detail = `${field}: must not be in a template: a mask belongs to one image.`;
      throw new MjflowError("invalid_request", { field, detail });
    }
    assertNoMask(next, `${at}[${i}].then`);
  }
}
