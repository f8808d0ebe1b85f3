/** Descriptions of the compat API's request schemas. */
import type { SchemaDescriptions } from "@mjflow/core/component";
import { Action, Change, List, Modal, Root, SimpleChange, Upload, Video } from "../mj-compat/request.ts";
import { describe, describedSchemas } from "./descriptions.ts";

const common = {
  state: "Your own text, up to 16 KB. It is returned unchanged.",
  notifyHook:
    "URL that receives the task object when the task changes. Default: the URL that the operator configured, if any.",
  botType: "`MID_JOURNEY` (or `MJ`), the default, or `NIJI_JOURNEY` (or `NIJI`).",
  mode: "`FAST`, `RELAX` or `TURBO`, in upper or lower case.",
  accountFilter: "Restricts which of the vendor's Midjourney accounts may run the task.",
};
const taskId = "The 16-digit id from the `result` of a submission, as text or number, or a native task id `task_…`.";
const prompt = "The prompt.";
const mask = "For an inpaint: data URI of a PNG. White areas are regenerated.";

const root = {
  ...common,
  prompt,
  base64Array: "Input images, as data URIs or links.",
  base64: "One image, as a data URI.",
  link: "Link to the image.",
  dimensions: "`PORTRAIT`, `SQUARE` or `LANDSCAPE`.",
  sourceBase64: "Image of the face, as a data URI.",
  targetBase64: "Image that gets the face, as a data URI.",
  sourceUrl: "Image of the face, as a link.",
  targetUrl: "Image that gets the face, as a link.",
  image: "The first frame of a video, or the image to edit or to retexture: one image, as a data URI or a link.",
  endImage: "The last frame of a video, as a data URI or a link.",
  maskBase64: "The region of an edit, as a data URI of a PNG. White areas are regenerated.",
  motion: "`low` (default) or `high`.",
  loop: "True: the video ends with its first frame.",
  batchSize: "Number of videos: 1, 2 or 4. Default: the vendor's default, which is 4.",
  videoType: "The vendor's name of the video model and its resolution, for example `vid_1.1_i2v_720`.",
};

export const mjRequestDescriptions: readonly SchemaDescriptions[] = [
  describe(
    "MjAccountFilter",
    Root.shape.accountFilter.def.innerType,
    "Restricts which of the vendor's Midjourney accounts may run the task.",
    {
      channelId: "Discord channel that the account must have.",
      instanceId: "Id of the account.",
      modes:
        "`FAST`, `RELAX`, `TURBO`. A single value sets the mode. Several values are the speeds that the account must support.",
      remark: "Remark that the account must have.",
      remix: "Whether remix must be on for the account.",
      nijiRemix: "Whether remix for Niji must be on for the account.",
      remixAutoConsidered: "Whether the account must submit remix modals automatically.",
    },
  ),
  describedSchemas(Root, root),
  describedSchemas(Video, {
    ...root,
    action: "`extend`: extends a finished video. Unset: makes a video of `image`.",
    taskId,
    task_id: "The same as `taskId`.",
    index: "With `action`: which of the videos to extend, from 0 to 3.",
  }),
  describedSchemas(Action, {
    ...common,
    taskId,
    customId: "`customId` of the button.",
    prompt: "Modal answer that is sent as soon as the modal opens.",
    maskBase64: mask,
  }),
  describedSchemas(Change, { ...common, taskId, action: "Kind of the button.", index: "Number of the image, 1 to 4." }),
  describedSchemas(SimpleChange, {
    ...common,
    content: "Id of the task, a space, and `U1` to `U4`, `V1` to `V4` or `R`.",
  }),
  describedSchemas(Modal, {
    taskId,
    prompt: "Without it the vendor keeps the prompt that the modal shows.",
    maskBase64: mask,
  }),
  describedSchemas(Upload, { base64Array: "Input images, as data URIs or links; at most ten." }),
  describedSchemas(List, { ids: "Ids of tasks, as text or numbers. Unknown ids are left out of the response." }),
];
