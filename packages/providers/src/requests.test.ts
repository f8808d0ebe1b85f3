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
  ...["a boat --fast", "--turbo a boat", "a boat --RELAX --ar 2:3", "a --fasting boat", "a boat--fast", ""].map(
    (prompt): [string, RootCall, Partial<CallContext>] => [
      `imagine of "${prompt}" in relax`,
      { action: "imagine", prompt, inputs: {} },
      { mode: "relax" },
    ],
  ),
  ["imagine without a prompt", { action: "imagine", inputs: {} }],
  [
    "imagine of links without a prompt, in turbo",
    { action: "imagine", inputs: { base64Array: LINKS } },
    { mode: "turbo" },
  ],
  [
    "imagine of a link and data",
    { action: "imagine", prompt: "a boat", inputs: { base64Array: [LINKS[0]!, DATA[0]!] } },
  ],
  ["imagine with no images", { action: "imagine", prompt: "a boat", inputs: { base64Array: [] } }],
  [
    "imagine at chosen accounts, in fast",
    { action: "imagine", prompt: "a boat", inputs: {} },
    { mode: "fast", accountFilter: { instanceId: "i1", remix: false } as CallContext["accountFilter"] & object },
  ],
  [
    "imagine at accounts with another mode",
    { action: "imagine", prompt: "a boat", inputs: {} },
    { mode: "fast", accountFilter: { modes: ["RELAX"] } },
  ],
  [
    "imagine whose address has a query",
    { action: "imagine", prompt: "a boat", inputs: {} },
    { notifyHook: "https://hooks.test/callbacks/1.a.b?x=1" },
  ],
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
  ["blend of niji", { action: "blend", inputs: { base64Array: LINKS } }, { botType: "NIJI_JOURNEY" }],
  ["blend of three links", { action: "blend", inputs: { base64Array: [...LINKS, "HTTP://pictures.example/c.png"] } }],
  ["blend without images", { action: "blend", inputs: {} }],
  ["blend in turbo", { action: "blend", inputs: { base64Array: LINKS } }, { mode: "turbo" }],
  ["blend of data in relax", { action: "blend", inputs: { base64Array: DATA } }, { mode: "relax" }],
  ["describe of a link", { action: "describe", inputs: { base64Array: LINKS.slice(0, 1) } }],
  ["describe of data", { action: "describe", inputs: { base64Array: DATA.slice(0, 1) } }],
  ["describe without an image", { action: "describe", inputs: {} }],
  ["describe of niji", { action: "describe", inputs: { base64Array: LINKS.slice(0, 1) } }, { botType: "NIJI_JOURNEY" }],
  ["shorten without a prompt", { action: "shorten", inputs: {} }],
  [
    "shorten of niji in relax",
    { action: "shorten", prompt: "long", inputs: {} },
    { mode: "relax", botType: "NIJI_JOURNEY" },
  ],
  ["shorten", { action: "shorten", prompt: "a very long prompt", inputs: {} }],
  ["retexture of a link", { action: "retexture", prompt: "of gold", inputs: { image: LINKS[0]! } }],
  ["retexture of data", { action: "retexture", prompt: "of gold", inputs: { image: DATA[0]! } }],
  ["retexture without an image", { action: "retexture", prompt: "of gold", inputs: {} }],
  [
    "retexture with a mask in fast",
    { action: "retexture", prompt: "of gold", inputs: { image: LINKS[0]!, maskBase64: DATA[1]! } },
    { mode: "fast" },
  ],
  ["video of a link", { action: "video", prompt: "it moves", inputs: { image: LINKS[0]! }, video: { motion: "high" } }],
  [
    "video of data in turbo",
    { action: "video", inputs: { image: DATA[0]! } },
    { mode: "turbo", accountFilter: { modes: ["FAST"] } },
  ],
  [
    "video with each option",
    {
      action: "video",
      prompt: " it moves ",
      inputs: { image: LINKS[0]!, endImage: LINKS[1]! },
      video: { motion: "low", loop: true, batchSize: 2 } as RootCall["video"] & object,
    },
  ],
  ["video that ends with data", { action: "video", inputs: { image: LINKS[0]!, endImage: DATA[0]! } }],
  ["edit of a link", { action: "edit", prompt: "a hat", inputs: { image: LINKS[0]! } }],
  ["edit of data in relax", { action: "edit", prompt: "a hat", inputs: { image: DATA[0]! } }, { mode: "relax" }],
  ["edit with a mask", { action: "edit", prompt: "a hat", inputs: { image: LINKS[0]!, maskBase64: DATA[1]! } }],
  ["edit without an image", { action: "edit", prompt: "a hat", inputs: {} }],
  ["edit of niji", { action: "edit", prompt: "a hat", inputs: { image: LINKS[0]! } }, { botType: "NIJI_JOURNEY" }],
  ["swap-face of data", { action: "swap-face", inputs: { sourceBase64: DATA[0]!, targetBase64: DATA[1]! } }],
  [
    "swap-face of links for niji",
    { action: "swap-face", inputs: { sourceBase64: LINKS[0]!, targetBase64: LINKS[1]! } },
    { botType: "NIJI_JOURNEY" },
  ],
  [
    "swap-face of a link and data",
    { action: "swap-face", inputs: { sourceBase64: LINKS[0]!, targetBase64: DATA[1]! } },
  ],
  [
    "swap-face of data and a link",
    { action: "swap-face", inputs: { sourceBase64: DATA[0]!, targetBase64: LINKS[1]! } },
  ],
  ["swap-face without images", { action: "swap-face", inputs: {} }],
] as [string, RootCall, Partial<CallContext>?][];

const HASH = "0f1e2d3c-0000-4000-8000-000000000001";
const PRESS = `MJ::JOB::upsample::2::${HASH}`;
const press = { vendorTaskId: "1765432109876123", customId: PRESS };
const given = { prompt: "a hat", imageUrl: LINKS[0]!, parentPrompt: "a boat --loop --motion low --ar 2:3" };

/** Buttons of Midjourney, those that mjflow makes for vendors of this family, and buttons of no vendor. */
const CUSTOM_IDS = [
  PRESS,
  ...[
    "reroll::0",
    "variation::3",
    "low_variation::1",
    "upsample_v7_2x_subtle::1",
    "pan_left::1",
    "animate_high::1",
  ].map((verb) => `MJ::JOB::${verb}::${HASH}::SOLO`),
  `MJ::Inpaint::1::${HASH}::SOLO`,
  `MJ::Outpaint::50::1::${HASH}::SOLO`,
  `MJ::CustomZoom::${HASH}`,
  `MJ::BOOKMARK::${HASH}`,
  "MJ::Job::PicReader::all",
  ...["UPSCALE::1", "UPSCALE::4", "UPSCALE::5", "VARIATION::2", "REROLL", "REROLL::1"].map(
    (id) => `mjflow::change::${id}`,
  ),
  ...["animate::high::1", "extend::low::1", "extend::high::4", "extend::high::5", "animate::fast::1"].map(
    (id) => `mjflow::video::${id}`,
  ),
  "",
  "odd",
];
/** Buttons and windows that families make of their own words. */
const OWN_WORDS: Readonly<Record<string, readonly string[]>> = {
  ttapi: [
    "upscale::1::upsample1",
    "::::redo_upscale2",
    "upscale::2x::upscale2",
    "reroll::::reroll",
    "vary::region::inpaint",
    "::::inpaint",
    "::::xredo_upscale",
    "::::xupsample1",
  ],
  acedatacloud: ["upscale::2::upscale2", "vary::strong::variation_strong", "::::odd_word"],
  useapi: ["upscale::1::U1", "vary::subtle::Vary (Subtle)", "zoom::custom::Custom Zoom", "::::Other"],
  legnext: [
    ...["picture 2 0", "reroll 0 0", "variation 1 1", "outpaint 0 1.5", "upscale 3 1", "odd 0 0", "upscale"],
  ].map((word) => `upscale::1::${word}`),
};
const OWN = Object.entries(OWN_WORDS).flatMap(([family, words]) =>
  words.map((word) => `mjflow::${family}::${word}::7a-parent`),
);
const WINDOWS = ["vary:region::inpaint", "zoom:custom::Custom Zoom"].map(
  (word) => `mjflow-modal::${word}::7a-parent::01JZX9_0_1`,
);

const OTHERS: [name: string, call: (calls: Calls) => Promise<unknown>][] = [
  ...[...CUSTOM_IDS, ...OWN].flatMap((customId): typeof OTHERS => [
    [`press of "${customId}"`, (calls) => calls.press({ ...press, customId }, context)],
    [`press of "${customId}" with a prompt`, (calls) => calls.press({ ...press, ...given, customId }, context)],
  ]),
  ["press in relax for niji", (calls) => calls.press(press, { ...context, mode: "relax", botType: "NIJI_JOURNEY" })],
  ["press in turbo with a key", (calls) => calls.press(press, { ...context, mode: "turbo", idempotencyKey: "key_1" })],
  ["press with an account filter", (calls) => calls.press(press, { ...context, accountFilter: { modes: ["FAST"] } })],
  ...["animate::low::1", "extend::low::2"].map((verb): (typeof OTHERS)[number] => [
    `press of ${verb} without a prompt of its own`,
    (calls) =>
      calls.press(
        { ...press, customId: `mjflow::video::${verb}`, imageUrl: given.imageUrl, parentPrompt: given.parentPrompt },
        context,
      ),
  ]),
  [
    "animate",
    (calls) =>
      calls.press(
        { ...press, customId: PRESS.replace("upsample::2", "animate_high::1"), parentPrompt: "a boat" },
        context,
      ),
  ],
  ...[press.vendorTaskId, ...WINDOWS].flatMap((vendorTaskId): typeof OTHERS => [
    [`modal of ${vendorTaskId}`, (calls) => calls.modal({ vendorTaskId, prompt: "a hat" }, context)],
    [
      `modal of ${vendorTaskId} without a prompt`,
      (calls) => calls.modal({ vendorTaskId }, { ...context, mode: "fast" }),
    ],
    [
      `modal of ${vendorTaskId} with a mask`,
      (calls) => calls.modal({ vendorTaskId, prompt: "a hat", maskBase64: DATA[0]! }, context),
    ],
    [
      `modal of ${vendorTaskId} with a mask alone`,
      (calls) => calls.modal({ vendorTaskId, maskBase64: "AAAA" }, { ...context, mode: "relax" }),
    ],
  ]),
  ["look-up of none", (calls) => calls.lookup([], account)],
  ["look-up of one", (calls) => calls.lookup([press.vendorTaskId], account)],
  ["look-up of an id with other characters", (calls) => calls.lookup(["j1:b/c d"], account)],
  ["look-up of two", (calls) => calls.lookup([press.vendorTaskId, "1765432109876124"], account)],
  ["look-up of a picture and a window", (calls) => calls.lookup(["mjflow-picture::8b-job::1", ...WINDOWS], account)],
  ["search", (calls) => calls.search([context.state], account)],
  ["search of two", (calls) => calls.search([context.state, "01JZX9_0_2"], account)],
  ["search of none", (calls) => calls.search([], account)],
  ["seed", (calls) => calls.seed(press.vendorTaskId, account)],
  ["seed of an id with other characters", (calls) => calls.seed("j1:b/c d", account)],
  ["upload", (calls) => calls.upload(DATA, account)],
  ...["/", "/v1", "/v1/", "/mj", "/mj/", "/v1/mj//", "/midjourney", "/v3", "/v3/midjourney/", "/api/v1", "/x/mj/y"].map(
    (path): (typeof OTHERS)[number] => [
      `a base URL that ends with ${path}`,
      async (calls) => {
        const at = { ...account, baseUrl: `${account.baseUrl}${path}` };
        await calls.submit(
          { action: "imagine", prompt: "a boat", inputs: {} },
          { ...context, account: at, mode: "fast" },
        );
        return calls.lookup([press.vendorTaskId], at);
      },
    ],
  ),
];

type Make = (deps: ProviderDeps) => Promise<Calls>;
const VENDORS: [id: string, make: Make, about: object][] = [
  ...[...FORMS].map(([id, form]): [string, Make, object] => [
    id,
    async (deps) => (await form.load()).connect(deps, new Set(Object.keys(form.unproven))),
    { title: form.title, ...form.capabilities, unproven: form.unproven },
  ]),
  ...[...FORMS]
    .filter(([, { unproven }]) => Object.keys(unproven).length > 0)
    .map(([id, form]): [string, Make, object] => [
      `${id}-proven`,
      async (deps) => (await form.load()).connect(deps, new Set()),
      {},
    ]),
  // No known vendor takes a key. One that does needs no more than this field.
  ...[...DIALECTS, ["idempotent", { ...DIALECTS.get("newapi")!, idempotencyHeader: "Idempotency-Key" }] as const].map(
    ([id, dialect]): [string, Make, object] => [
      id,
      async (deps) => createProvider(dialect, deps),
      { title: dialect.title, ...capabilitiesOf(dialect) },
    ],
  ),
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
