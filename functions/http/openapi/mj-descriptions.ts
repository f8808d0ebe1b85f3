/** Words for the drop-in facade. */
import { MjAnswer, MjButton, MjTask } from "@mjflow/core/mj-response";
import { Action, Change, List, Modal, Root, SimpleChange, Upload } from "../mj-compat/request.ts";
import { describe, describedSchemas, type SchemaDescriptions } from "./descriptions.ts";

const common = {
  state: "Yours, up to 16 KB: comes back as it was sent.",
  notifyHook: "Where the task object is posted when it changes; without it the stage's own hook.",
  botType: "`MID_JOURNEY` (or `MJ`), the default, or `NIJI_JOURNEY` (or `NIJI`).",
  mode: "`FAST`, `RELAX` or `TURBO`, in any case.",
  accountFilter: "Which of the vendor's accounts may take it.",
};
const taskId = "The 16 digits of a submit's `result`, as text or number, or `task_…`.";
const prompt = "The prompt.";
const mask = "For an inpaint: a data URI of a PNG; white is drawn anew.";

export const mjRequestDescriptions: readonly SchemaDescriptions[] = [
  describe("MjAccountFilter", Root.shape.accountFilter.def.innerType, "Which of the vendor's accounts may take it.", {
    channelId: "The Discord channel.",
    instanceId: "The account.",
    modes: "`FAST`, `RELAX`, `TURBO`: one is the mode, several are what the account must offer.",
    remark: "A remark the account must have.",
    remix: "Whether its remix is on.",
    nijiRemix: "Whether its remix for niji is on.",
    remixAutoConsidered: "Whether it answers remix windows by itself.",
  }),
  describedSchemas(Root, {
    ...common,
    prompt,
    base64Array: "Images, as data URIs or links.",
    base64: "One image, as a data URI.",
    link: "The picture's address.",
    dimensions: "`PORTRAIT`, `SQUARE` or `LANDSCAPE`.",
    sourceBase64: "The face.",
    targetBase64: "The picture it goes into.",
    sourceUrl: "The face, as a link.",
    targetUrl: "The picture it goes into, as a link.",
  }),
  describedSchemas(Action, {
    ...common,
    taskId,
    customId: "The button's.",
    prompt: "Answers the window at once.",
    maskBase64: mask,
  }),
  describedSchemas(Change, { ...common, taskId, action: "What to press.", index: "1 to 4." }),
  describedSchemas(SimpleChange, { ...common, content: "The task's id and `U1` to `U4`, `V1` to `V4` or `R`." }),
  describedSchemas(Modal, { taskId, prompt: "Without it the window's own is kept.", maskBase64: mask }),
  describedSchemas(Upload, { base64Array: "Images, as data URIs or links; at most ten." }),
  describedSchemas(List, { ids: "As text or numbers; unknown ones are left out of the answer." }),
];

export const mjResponseDescriptions: readonly SchemaDescriptions[] = [
  describe("MjAnswer", MjAnswer, "What a server of the family answers to what starts work.", {
    code: "1 taken, 3 not found, 4 a field is wrong, 9 failed, 21 waits for `submit/modal`, 23 come back later, 24 a banned word.",
    description: "For people; names the field at fault.",
    result: "The task's id, as text; addresses, for an upload; a seed.",
    properties: "`finalPrompt` and `remix` beside code 21, `bannedWord` beside 24.",
  }),
  describe("MjTask", MjTask, "The task object, every field present: null where there is nothing to say.", {
    id: "As it was asked for.",
    action:
      "`IMAGINE`, `UPSCALE`, `VARIATION`, `REROLL`, `BLEND`, `DESCRIBE`, `SHORTEN`, `SWAP_FACE`, …; `ACTION` until the press is known.",
    customId: "The button that was pressed.",
    botType: "Which bot.",
    prompt: "As it was sent.",
    promptEn: "As the vendor has it; the text of a describe or shorten.",
    description: "`/imagine …`, `/up …`.",
    state: "Yours.",
    submitTime: "Milliseconds since 1970.",
    startTime: "Milliseconds since 1970.",
    finishTime: "Milliseconds since 1970.",
    imageUrl: "mjflow's copy where there is one, else the vendor's link.",
    imageUrls: "Where the vendor gives several.",
    videoUrl: "The first video.",
    videoUrls: "All of them.",
    status: "mjflow's `EXPIRED` is `FAILURE` here.",
    progress: "`0%` to `100%`; only a success is at 100.",
    failReason: "Never empty for a failure.",
    buttons: "What can be pressed, by `submit/action`.",
    properties: "`finalPrompt` as Midjourney ran it; `bannedWord` of a refused prompt.",
  }),
  describe("MjButton", MjButton, "What can be pressed.", {
    customId: "For `submit/action`.",
    emoji: "May be empty.",
    label: "May be empty.",
    type: "2.",
    style: "2.",
  }),
];
