/** `mjflow mark` and `mjflow folders`: favorites, and named lists of pictures. */
import type { Folder } from "@mjflow/client";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../page.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago } from "../time.ts";
import { UsageError } from "../usage-error.ts";

const MARK = {
  favorite: { type: "boolean", help: "make the pictures favorites; --no-favorite: make them none" },
  add: { type: "string", value: "FOLDER", help: "add them to this folder" },
  remove: { type: "string", value: "FOLDER", help: "remove them from this folder" },
} as const satisfies Record<string, Option>;

/** Pictures of one request. */
const PICTURES = 100;

export const mark = command({
  name: "mark",
  summary: "make pictures favorites, or add them to a folder",
  usage: ["<picture>… [--favorite] [--add FOLDER] [--remove FOLDER]"],
  argCount: [1, PICTURES],
  options: MARK,
  notes: `
A picture is a task id and a number, for example task_…_0.3. A task id alone means its first picture. A folder is its id or its name.`,
  async run(context, { values, positionals }) {
    const { favorite, add, remove } = values;
    if (favorite === undefined && add === undefined && remove === undefined)
      throw new UsageError("Give --favorite, --no-favorite, --add or --remove.", "mark");
    const all = add === undefined && remove === undefined ? [] : await foldersOf(context);
    const change = {
      ...(favorite !== undefined && { favorite }),
      ...(add !== undefined && { addToFolder: findFolder(all, add) }),
      ...(remove !== undefined && { removeFromFolder: findFolder(all, remove) }),
    };
    const result = await context.mjflow.pictures.mark(positionals, change, { signal: context.signal });
    context.show(result, () => [
      ...result.marked.map((id) => `${id}  marked`),
      ...result.missing.map((id) => `${stripControlCharacters(id)}  no such picture`),
    ]);
    return result.missing.length > 0 ? EXIT.failed : EXIT.ok;
  },
});

const list: Subcommand<object> = {
  argCount: 0,
  async run(context) {
    const page = await collect(context.mjflow.folders.list({ signal: context.signal }), {
      limit: undefined,
      all: true,
    });
    context.show(page, () => (page.data.length === 0 ? ["No folders."] : rows(context, page.data)));
    return EXIT.ok;
  },
};

const create: Subcommand<object> = {
  argCount: 1,
  async run(context, _, [name]) {
    const folder = await context.mjflow.folders.create(name!, { signal: context.signal });
    context.show(folder, () => rows(context, [folder]));
    return EXIT.ok;
  },
};

const rename: Subcommand<object> = {
  argCount: 2,
  async run(context, _, [given, name]) {
    const id = await folderIdOf(context, given!);
    const folder = await context.mjflow.folders.rename(id, name!, { signal: context.signal });
    context.show(folder, () => rows(context, [folder]));
    return EXIT.ok;
  },
};

const remove: Subcommand<object> = {
  argCount: 1,
  async run(context, _, [given]) {
    const id = await folderIdOf(context, given!);
    await context.mjflow.folders.delete(id, { signal: context.signal });
    context.show({ id, removed: true }, () => [`${id}  removed`]);
    return EXIT.ok;
  },
};

const SUBCOMMANDS = { list, create, rename, remove };

export const folders = command({
  name: "folders",
  summary: "manage folders of pictures: list, create, rename, remove",
  usage: ["[list]", "create <name>", "rename <folder> <name>", "remove <folder>"],
  argCount: [0, 3],
  options: {},
  choices: Object.keys(SUBCOMMANDS),
  notes: `
A folder is its id or its name. A removed folder leaves its pictures as they are.

  mjflow folders create posters
  mjflow mark task_…_0.3 --add posters
  mjflow pictures --folder posters`,
  run: (context, invocation) => runSubcommand("folders", SUBCOMMANDS, context, invocation),
});

/** Returns the id of a folder by its id or its name. @throws UsageError if the app has no such folder */
export async function folderIdOf(context: Context, given: string): Promise<string> {
  return findFolder(await foldersOf(context), given);
}

async function foldersOf({ mjflow, signal }: Context): Promise<readonly Folder[]> {
  return (await collect(mjflow.folders.list({ signal }), { limit: undefined, all: true })).data;
}

function findFolder(all: readonly Folder[], given: string): string {
  const folder = all.find(({ id }) => id === given) ?? all.find(({ name }) => name === given);
  if (!folder) throw new UsageError(`There is no folder ${JSON.stringify(given)}. See \`mjflow folders\`.`, "folders");
  return folder.id;
}

function rows({ paint, columns, platform }: Context, data: readonly Folder[]): string[] {
  const now = platform.now();
  const shown: Column<Folder>[] = [
    { name: "folder", of: ({ id }) => id },
    { name: "changed", of: ({ updatedAt }) => ago(updatedAt, now) },
    { name: "name", of: ({ name }) => name, cut: true },
  ];
  return table(shown, data, paint, columns);
}
