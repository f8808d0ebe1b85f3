/** `mjflow pictures`: the results of all flows. */
import type { Picture, PictureQuery } from "@mjflow/client";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { PAGING_OPTIONS, parseTimeRange, TIME_RANGE_OPTIONS } from "../option.ts";
import { collect, moreLine, pageSize } from "../page.ts";
import { ago } from "../time.ts";
import { folderIdOf } from "./mark.ts";

const LIST = {
  flow: { type: "string", value: "FLOW", help: "only pictures of this flow" },
  action: { type: "string", value: "ACTION", help: "imagine, upscale, variation, video, tile, …" },
  video: { type: "boolean", help: "only results with a video; --no-video: only results without one" },
  favorite: { type: "boolean", help: "only results with a favorite" },
  folder: { type: "string", value: "FOLDER", help: "only results in this folder, given by its id or its name" },
  ...TIME_RANGE_OPTIONS,
  ...PAGING_OPTIONS,
} as const satisfies Record<string, Option>;

export const pictures = command({
  name: "pictures",
  summary: "list images and videos, newest first",
  usage: ["[--action upscale] [--since 2h]"],
  argCount: [0, 0],
  options: LIST,
  async run(context, { values }) {
    const { flow, action, video, favorite, folder } = values;
    const query: PictureQuery = {
      limit: pageSize(values),
      ...(flow !== undefined && { flow }),
      ...(action !== undefined && { action }),
      ...(video !== undefined && { video }),
      ...(favorite && { favorite }),
      ...(folder !== undefined && { folder: await folderIdOf(context, folder) }),
      ...parseTimeRange(context, values),
    };
    const page = await collect(context.mjflow.pictures.list(query, { signal: context.signal }), values);
    context.show(page, () =>
      page.data.length === 0 ? ["No pictures."] : [...rows(context, page.data), ...moreLine(page)],
    );
    return EXIT.ok;
  },
});

function rows({ paint, columns, platform }: Context, data: readonly Picture[]): string[] {
  const now = platform.now();
  const shown: Column<Picture>[] = [
    { name: "task", of: ({ taskId }) => taskId },
    { name: "press", of: ({ press, action }) => press ?? action.toLowerCase() },
    { name: "ended", of: ({ endedAt }) => (endedAt === null ? "" : ago(endedAt, now)) },
    { name: "link", of: urlOf, cut: true },
  ];
  return table(shown, data, paint, columns);
}

/** The copy does not expire. */
function urlOf({ copies, videos, imageUrl }: Picture): string {
  return copies[0]?.url ?? videos[0]?.url ?? imageUrl ?? "";
}
