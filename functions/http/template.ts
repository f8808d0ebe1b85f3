/** `/v1/templates`: the plans that an app stores under names. */
import { TemplateRequest } from "@mjflow/core/request";
import type { Template } from "@mjflow/core/template";
import { isoOf } from "@mjflow/engine/date";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, linksFor } from "./env.ts";

/** Loaded on demand: few requests are about templates. */
const engine = () => import("@mjflow/engine/template");

export const templates = new Hono<AppEnv>()
  .get("/", async (c) => {
    const all = await c.get("deps").store.templates(c.get("appId"));
    return c.json({ data: all.map((template) => templateView(c, template)), nextCursor: null });
  })
  .get("/:name", async (c) => {
    const { getTemplate } = await engine();
    return c.json(templateView(c, await getTemplate(c.get("deps"), c.get("appId"), c.req.param("name"))));
  })
  .put("/:name", async (c) => {
    const request = await readBody(c, TemplateRequest);
    const { saveTemplate } = await engine();
    const { template, isNew } = await saveTemplate(c.get("deps"), c.get("appId"), c.req.param("name"), request);
    return c.json(templateView(c, template), isNew ? 201 : 200, { Location: `/v1/templates/${template.name}` });
  })
  .delete("/:name", async (c) => {
    const { deleteTemplate } = await engine();
    await deleteTemplate(c.get("deps"), c.get("appId"), c.req.param("name"));
    return c.body(null, 204);
  });

function templateView(c: Context<AppEnv>, { name, description, then, createdAt, updatedAt }: Template) {
  return {
    name,
    description: description ?? null,
    then: then as { press: string | string[] }[],
    createdAt: isoOf(createdAt)!,
    updatedAt: isoOf(updatedAt)!,
    urls: { get: `${linksFor(c).api}/v1/templates/${name}` },
  };
}
