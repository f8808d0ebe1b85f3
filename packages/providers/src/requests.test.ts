/**
 * Every request to every vendor, whole: method, address, headers, body and time limit for each action, mode, size and kind of image.
 * A field that is added, lost or renamed changes the vendor's file in `requests/`.
 */
import type { CallContext, RootCall } from "@mjflow/core/port";
import { expect, test } from "vitest";
import { capabilitiesOf } from "./dialect.ts";
import { FORMS } from "./families/index.ts";
import type { Calls, ProviderDeps } from "./family.ts";
import type { VendorHttpRequest } from "./http-client.ts";
import { createProvider } from "./mjproxy.ts";
import { DIALECTS } from "./vendors/index.ts";

type Mode = CallContext["mode"];

const LINKS = ["https://pictures.example/a.png", "https://pictures.example/b.png"];
const DATA = ["data:image/png;base64,AAAA", "data:image/png;base64,BBBB"];
const account = { baseUrl: "https://vendor.example", apiKey: "vendor-key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "01JZX9_0_1" };

const CALLS: [name: string, call: RootCall, more?: Partial<CallContext>][] = [
  ...([undefined, "fast", "relax", "turbo"] as Mode[]).map((mode): [string, RootCall, Partial<CallContext>] => [
    `imagine, mode ${mode ?? "unset"}`,
    { action: "imagine", prompt: "a boat --ar 2:3", inputs: {} },
    mode ? { mode } : {},
  ]),
  ["imagine of niji", { action: "imagine", prompt: "a boat", inputs: {} }, { botType: "NIJI_JOURNEY" }],
  ["imagine with an idempotency key", { action: "imagine", prompt: "a boat", inputs: {} }, { idempotencyKey: "key_1" }],
  ["imagine with links", { action: "imagine", prompt: "a boat", inputs: { base64Array: LINKS } }],
  ["imagine with data", { action: "imagine", prompt: "a boat", inputs: { base64Array: DATA } }],
  ...(["PORTRAIT", "SQUARE", "LANDSCAPE", undefined] as const).map((dimensions): [string, RootCall] => [
    `blend of links, ${dimensions ?? "no size"}`,
    { action: "blend", inputs: { base64Array: LINKS }, ...(dimensions && { dimensions }) },
  ]),
  ...(["PORTRAIT", "SQUARE", "LANDSCAPE", undefined] as const).map((dimensions): [string, RootCall] => [
    `blend of data, ${dimensions ?? "no size"}`,
    { action: "blend", inputs: { base64Array: DATA }, ...(dimensions && { dimensions }) },
  ]),
  ["blend of a link and data", { action: "blend", inputs: { base64Array: [LINKS[0]!, DATA[0]!] } }],
  ["blend in turbo", { action: "blend", inputs: { base64Array: LINKS } }, { mode: "turbo" }],
  ["blend of data in relax", { action: "blend", inputs: { base64Array: DATA } }, { mode: "relax" }],
  ["describe of a link", { action: "describe", inputs: { base64Array: LINKS.slice(0, 1) } }],
  ["describe of data", { action: "describe", inputs: { base64Array: DATA.slice(0, 1) } }],
  ["describe without an image", { action: "describe", inputs: {} }],
  ["shorten", { action: "shorten", prompt: "a very long prompt", inputs: {} }],
  ["retexture of a link", { action: "retexture", prompt: "of gold", inputs: { image: LINKS[0]! } }],
  ["retexture of data", { action: "retexture", prompt: "of gold", inputs: { image: DATA[0]! } }],
  ["retexture without an image", { action: "retexture", prompt: "of gold", inputs: {} }],
  ["video of a link", { action: "video", prompt: "it moves", inputs: { image: LINKS[0]! }, video: { motion: "high" } }],
  ["edit of a link", { action: "edits", prompt: "a hat", inputs: { image: LINKS[0]! } }],
  ["swap-face of data", { action: "swap-face", inputs: { sourceBase64: DATA[0]!, targetBase64: DATA[1]! } }],
] as [string, RootCall, Partial<CallContext>?][];

const PRESS = "MJ::JOB::upsample::2::0f1e2d3c-0000-4000-8000-000000000001";
const press = { vendorTaskId: "1765432109876123", customId: PRESS };
const OTHERS: [name: string, call: (calls: Calls) => Promise<unknown>][] = [
  ["press", (calls) => calls.press(press, context)],
  ["press in relax for niji", (calls) => calls.press(press, { ...context, mode: "relax", botType: "NIJI_JOURNEY" })],
  ["press with an account filter", (calls) => calls.press(press, { ...context, accountFilter: { modes: ["FAST"] } })],
  ["press with a prompt", (calls) => calls.press({ ...press, prompt: "a hat", imageUrl: LINKS[0]! }, context)],
  [
    "animate",
    (calls) =>
      calls.press(
        { ...press, customId: PRESS.replace("upsample::2", "animate_high::1"), parentPrompt: "a boat" },
        context,
      ),
  ],
  ["modal", (calls) => calls.modal({ vendorTaskId: press.vendorTaskId, prompt: "a hat" }, context)],
  [
    "modal with a mask",
    (calls) => calls.modal({ vendorTaskId: press.vendorTaskId, prompt: "a hat", maskBase64: DATA[0]! }, context),
  ],
  ["look-up of one", (calls) => calls.lookup([press.vendorTaskId], account)],
  ["look-up of two", (calls) => calls.lookup([press.vendorTaskId, "1765432109876124"], account)],
  ["search", (calls) => calls.search([context.state], account)],
  ["seed", (calls) => calls.seed(press.vendorTaskId, account)],
  ["upload", (calls) => calls.upload(DATA, account)],
];

type Make = (deps: ProviderDeps) => Promise<Calls>;
const VENDORS: [id: string, make: Make, about: object][] = [
  ...[...FORMS].map(([id, form]): [string, Make, object] => [
    id,
    async (deps) => (await form.load()).connect(deps, new Set(Object.keys(form.unproven))),
    { title: form.title, ...form.capabilities, unproven: form.unproven },
  ]),
  ...[...DIALECTS].map(([id, dialect]): [string, Make, object] => [
    id,
    async (deps) => createProvider(dialect, deps),
    { title: dialect.title, ...capabilitiesOf(dialect) },
  ]),
];

test.each(VENDORS)("what %s can do and its requests are as recorded", async (id, make, about) => {
  const sent: VendorHttpRequest[] = [];
  const httpClient: ProviderDeps["httpClient"] = async (request) => {
    sent.push(request);
    return { kind: "lost", reason: "timeout" };
  };
  const calls = await make({ httpClient, submitTimeoutMs: 61_000, lookupTimeoutMs: 9_000 });
  const recorded: string[] = [JSON.stringify(about)];
  const submits = CALLS.map(([name, call, more]): (typeof OTHERS)[number] => [
    name,
    (to) => to.submit(call, { ...context, ...more }),
  ]);
  for (const [name, call] of [...submits, ...OTHERS]) {
    sent.length = 0;
    const outcome = await call(calls).catch((error: unknown) => String(error));
    recorded.push(`${name}: ${JSON.stringify(outcome)}`, ...sent.map((request) => `    ${JSON.stringify(request)}`));
  }
  await expect(`${recorded.join("\n")}\n`).toMatchFileSnapshot(`requests/${id}.snap`);
});
