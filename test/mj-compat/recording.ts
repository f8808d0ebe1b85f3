/**
 * Sessions of real clients, request by request, with their own order, headers, field names and empty fields. `{name}`
 * stands for a value from an earlier response. The sessions are composed from the clients' sources; the images are
 * invented.
 */

export interface Step {
  send: string;
  body?: unknown;
  /** Expected code of a submission; unset for a task, a list or an upload. */
  code?: 1 | 21;
  /** Name under which later steps use the id of this response. */
  keep?: string;
  /** The request is repeated until the task has this status. */
  until?: string;
  /**
   * Further fields that the task, or the first task of a list, must have. Every client's own requirements apply, too.
   */
  holds?: Record<string, unknown>;
  /** Buttons by label or emoji. Later steps use the customId under the given name. */
  buttons?: Record<string, string>;
  kind?: "submit" | "task" | "list" | "upload" | "seed";
}

export interface Session {
  client: string;
  headers: Record<string, string>;
  steps: Step[];
  /** The session needs functions that only a full vendor has: describe, shorten, face swap and seeds. */
  needsVendor?: boolean;
}

export const PICTURE =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const fetched = (id: string, more: Partial<Step> = {}): Step => ({
  send: `GET /mj/task/{${id}}/fetch`,
  kind: "task",
  until: "SUCCESS",
  ...more,
});

/** Dooy/chatgpt-web-midjourney-proxy: a web page that polls, presses, and answers a modal at once. */
const dooy: Session = {
  client: "Dooy's page",
  headers: { "content-type": "application/json", "mj-api-secret": "{secret}" },
  steps: [
    {
      send: "POST /mj/submit/imagine",
      body: {
        base64Array: [],
        notifyHook: "",
        prompt: "a paper boat on calm water",
        state: "",
        botType: "MID_JOURNEY",
      },
      code: 1,
      keep: "grid",
    },
    fetched("grid", {
      holds: { action: "IMAGINE", prompt: "a paper boat on calm water", state: "" },
      buttons: { u1: "U1", v2: "V2", reroll: "🔄" },
    }),
    { send: "POST /mj/submit/action", body: { taskId: "{grid}", customId: "{u1}" }, code: 1, keep: "single" },
    fetched("single", { holds: { action: "UPSCALE" }, buttons: { zoom: "Custom Zoom", region: "Vary (Region)" } }),
    // Both modals: first the action, then at once the answer for the task id in `result`.
    { send: "POST /mj/submit/action", body: { taskId: "{single}", customId: "{zoom}" }, code: 21, keep: "zoomed" },
    {
      send: "POST /mj/submit/modal",
      body: { taskId: "{zoomed}", prompt: "a paper boat on calm water --zoom 1.5" },
      code: 1,
      keep: "zoomed",
    },
    fetched("zoomed", { holds: { prompt: "a paper boat on calm water --zoom 1.5" } }),
    { send: "POST /mj/submit/action", body: { taskId: "{single}", customId: "{region}" }, code: 21, keep: "painted" },
    {
      send: "POST /mj/submit/modal",
      body: { taskId: "{painted}", prompt: "a red sail", maskBase64: PICTURE },
      code: 1,
      keep: "painted",
    },
    fetched("painted", { holds: { prompt: "a red sail" } }),
    {
      send: "POST /mj/submit/change",
      body: { taskId: "{grid}", action: "VARIATION", index: 2 },
      code: 1,
      keep: "varied",
    },
    fetched("varied", { holds: { action: "VARIATION" } }),
    {
      send: "POST /mj/submit/blend",
      body: { base64Array: [PICTURE, PICTURE], dimensions: "SQUARE" },
      code: 1,
      keep: "blended",
    },
    fetched("blended", { holds: { action: "BLEND" } }),
    // Its gallery stores ids as numbers.
    { send: "POST /mj/task/list-by-condition", body: { ids: ["{grid}#", "{single}#"] }, kind: "list" },
  ],
};

const dooyWholeVendor: Session = {
  client: "Dooy's page with the functions of a full vendor",
  headers: dooy.headers,
  needsVendor: true,
  steps: [
    { send: "POST /mj/submit/describe", body: { base64: PICTURE }, code: 1, keep: "described" },
    fetched("described", { holds: { action: "DESCRIBE" }, buttons: { first: "1️⃣" } }),
    // PicReader opens a modal on every server. The web page answers with the prompt that it got, which may be empty.
    { send: "POST /mj/submit/action", body: { taskId: "{described}", customId: "{first}" }, code: 21, keep: "drawn" },
    { send: "POST /mj/submit/modal", body: { taskId: "{drawn}", prompt: "" }, code: 1, keep: "drawn" },
    fetched("drawn", { buttons: { u4: "U4" } }),
    {
      send: "POST /mj/submit/shorten",
      body: { prompt: "a very long prompt about a boat", botType: "MID_JOURNEY" },
      code: 1,
      keep: "short",
    },
    fetched("short", { holds: { action: "SHORTEN", imageUrl: null } }),
    {
      send: "POST /mj/insight-face/swap",
      body: { sourceBase64: PICTURE, targetBase64: PICTURE },
      code: 1,
      keep: "swapped",
    },
    fetched("swapped", { holds: { action: "SWAP_FACE", buttons: [] } }),
    { send: "GET /mj/task/{drawn}/image-seed", kind: "seed" },
    { send: "POST /mj/submit/upload-discord-images", body: { base64Array: [PICTURE, PICTURE] }, kind: "upload" },
  ],
};

/**
 * new-api as a relay in front of mjflow: it forwards its clients' requests and polls all unfinished tasks in one
 * request.
 */
const relay: Session = {
  client: "new-api as a relay",
  headers: { "Content-Type": "application/json", "mj-api-secret": "{secret}" },
  steps: [
    {
      send: "POST /mj/submit/imagine",
      body: { prompt: "a boat", base64Array: null, botType: "", state: "relay 1" },
      code: 1,
      keep: "a",
    },
    {
      send: "POST /mj/submit/imagine",
      body: { prompt: "a boat --v 7", base64Array: [PICTURE], state: "relay 2" },
      code: 1,
      keep: "b",
    },
    {
      send: "POST /mj/task/list-by-condition",
      body: { ids: ["{a}", "{b}", "1765432109876123"] },
      kind: "list",
      until: "SUCCESS",
    },
    fetched("a", { buttons: { v3: "V3" }, holds: { state: "relay 1" } }),
    {
      send: "POST /mj/submit/action",
      body: { taskId: "{a}", customId: "{v3}", chooseSameChannel: true, state: "relay 3" },
      code: 1,
      keep: "c",
    },
    { send: "POST /mj/submit/simple-change", body: { content: "{b} U2", state: "relay 4" }, code: 1, keep: "d" },
    { send: "POST /mj/task/list-by-condition", body: { ids: ["{c}", "{d}"] }, kind: "list", until: "SUCCESS" },
    fetched("d", { holds: { action: "UPSCALE", state: "relay 4" } }),
  ],
};

/** Java and Python clients of novicezk's protocol. */
const novicezk: Session = {
  client: "a client of novicezk's",
  headers: { "Content-Type": "application/json; charset=utf-8", "mj-api-secret": "{secret}" },
  steps: [
    {
      send: "POST /mj/submit/imagine",
      body: { base64: null, base64Array: null, notifyHook: null, prompt: "一只纸船", state: '{"user":7,"🛶":"\\n"}' },
      code: 1,
      keep: "grid",
    },
    fetched("grid", {
      holds: { prompt: "一只纸船", state: '{"user":7,"🛶":"\\n"}', description: "/imagine 一只纸船" },
    }),
    {
      send: "POST /mj/submit/change",
      body: { taskId: "{grid}", action: "UPSCALE", index: 4, notifyHook: null, state: null },
      code: 1,
      keep: "up",
    },
    fetched("up", { holds: { action: "UPSCALE", state: null } }),
    { send: "POST /mj/submit/change", body: { taskId: "{grid}", action: "REROLL" }, code: 1, keep: "again" },
    fetched("again"),
    { send: "GET /mj/task/list", kind: "list" },
    { send: "GET /mj/task/queue", kind: "list" },
  ],
};

/** A client of trueai-org, which has its own form of the key and of the mode. */
const trueai: Session = {
  client: "a client of trueai-org's",
  headers: { "content-type": "application/json", Authorization: "{secret}" },
  steps: [
    {
      send: "POST /mj-fast/mj/submit/imagine",
      body: {
        botType: "mj",
        prompt: "a boat",
        accountFilter: { modes: ["RELAX"], remark: null, remix: true },
        state: "s",
      },
      code: 1,
      keep: "grid",
    },
    fetched("grid", { send: "GET /mj-fast/mj/task/{grid}/fetch", buttons: { u3: "U3" } }),
    {
      send: "POST /mj-turbo/mj/submit/action",
      body: { taskId: "{grid}", customId: "{u3}", enableRemix: false },
      code: 1,
      keep: "up",
    },
    { send: "POST /mj/task/list-by-ids", body: { ids: ["{grid}", "{up}"] }, kind: "list", until: "SUCCESS" },
  ],
};

/**
 * AGICTO's clients have /v1 in their base URL and a Bearer key. CometAPI's clients send no notifyHook, but further
 * fields.
 */
const bearer: Session = {
  client: "clients of AGICTO's and CometAPI's",
  headers: { "content-type": "application/json", authorization: "Bearer {secret}" },
  steps: [
    { send: "POST /v1/mj/submit/imagine", body: { prompt: "a boat" }, code: 1, keep: "grid" },
    fetched("grid", { send: "GET /v1/mj/task/{grid}/fetch", buttons: { u2: "U2", v1: "V1" }, holds: { state: null } }),
    { send: "POST /v1/mj/submit/action", body: { taskId: "{grid}", customId: "{u2}" }, code: 1, keep: "up" },
    fetched("up", { send: "GET /v1/mj/task/{up}/fetch" }),
    {
      send: "POST /mj-turbo/mj/submit/action",
      body: { taskId: "{grid}", customId: "{v1}", state: "comet", enableRemix: true, chooseSameChannel: true },
      code: 1,
      keep: "varied",
    },
    fetched("varied", { send: "GET /mj/query/task/{varied}", holds: { state: "comet" } }),
  ],
};

/** Clients of CometAPI, trueai-org, YuTo and resellers of new-api that make videos and edits. */
const films: Session = {
  client: "clients that make videos and edits",
  needsVendor: true,
  headers: { "content-type": "application/json", authorization: "Bearer {secret}" },
  steps: [
    // CometAPI's quick start: a link, both required fields, and no prompt.
    { send: "POST /mj/submit/video", body: { image: "https://x.test/a.png", motion: "low" }, code: 1, keep: "film" },
    fetched("film", { holds: { action: "VIDEO", videoUrls: [{}, {}, {}, {}] }, buttons: { u2: "U2" } }),
    { send: "POST /mj/submit/action", body: { taskId: "{film}", customId: "{u2}" }, code: 1, keep: "one" },
    fetched("one", { holds: { action: "UPSCALE", videoUrls: [{}] }, buttons: { more: "Extend (High motion)" } }),
    {
      send: "POST /mj/submit/video",
      body: { action: "extend", taskId: "{film}", index: 2, motion: "high", prompt: "closer" },
      code: 1,
      keep: "longer",
    },
    fetched("longer", { holds: { action: "VIDEO" } }),
    // YuTo: other names and a text as index. Comfly: base64 without `data:`, and a capital letter.
    {
      send: "POST /mj/submit/video",
      body: { action: "extend", task_id: "{film}", index: "0", motion: "Low", state: "yuto" },
      code: 1,
      keep: "yuto",
    },
    fetched("yuto", { holds: { action: "VIDEO", state: "yuto" } }),
    {
      send: "POST /mj-fast/mj/submit/video",
      body: {
        image: PICTURE.split(",")[1],
        endImage: PICTURE,
        motion: "High",
        batchSize: "2",
        seed: 7,
        prompt: "waves",
      },
      code: 1,
      keep: "two",
    },
    fetched("two", { holds: { videoUrls: [{}, {}], prompt: "waves", description: "/video waves" } }),
    {
      send: "POST /mj/submit/edits",
      body: { image: PICTURE, maskBase64: PICTURE, prompt: "in snow", state: "edit" },
      code: 1,
      keep: "edited",
    },
    fetched("edited", { holds: { state: "edit", prompt: "in snow" }, buttons: { u1: "U1" } }),
    { send: "POST /mj/submit/edits", body: { base64Array: [PICTURE], prompt: "in snow" }, code: 1, keep: "old" },
    fetched("old"),
    {
      send: "POST /mj/submit/edit",
      body: { image: PICTURE, prompt: "in snow", botType: "mj" },
      code: 1,
      keep: "single",
    },
    fetched("single"),
    { send: "POST /mj/submit/retexture", body: { image: PICTURE, prompt: "of wood" }, code: 1, keep: "wooden" },
    fetched("wooden", { holds: { action: "RETEXTURE" } }),
  ],
};

export const SESSIONS: readonly Session[] = [dooy, dooyWholeVendor, relay, novicezk, trueai, bearer, films];
