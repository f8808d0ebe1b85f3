/**
 * Reads documents of the repository as pages of the site. Links between documents become links between pages. A file that
 * is no page is copied as text, so no link of the site leaves it for a file.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { prose } from "./markdown.ts";

export interface Site {
  /** Path in the repository → path in the site, without an ending. */
  pages: ReadonlyMap<string, string>;
  /** Files that pages link to: path in the site → path in the repository. */
  files: Map<string, string>;
  /** Images: path in the site → path in the repository. */
  images: Map<string, string>;
}

const LINK = /(!?)\[((?:[^\][]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g;
const IMAGE = /\.(?:png|svg|jpg)$/;

/** @throws Error if a link leads to nothing */
export function pageOf(root: string, source: string, site: Site): string {
  const text = readFileSync(posix.join(root, source), "utf8");
  return outsideOfCode(text, (part) =>
    prose(part)
      // The only tags in the documents are anchors and comments.
      .replace(/&lt;(a id="[^"]+"|\/a|!--)/g, "<$1")
      .replace(LINK, (_, bang: string, label: string, target: string) => {
        const link = linkOf(root, source, target, site);
        return link === undefined ? label : `${bang}[${label}](${link})`;
      }),
  );
}

/** Applies `change` to everything except code blocks and inline code. */
function outsideOfCode(text: string, change: (part: string) => string): string {
  const blocks = text.split(/^(```[\s\S]*?^```$)/m);
  return blocks.map((block, i) => (i % 2 === 1 ? block : changeText(block, change))).join("");
}

/** Inline code in a label of a link belongs to the link, so links are found first and code is kept. */
function changeText(text: string, change: (part: string) => string): string {
  const codes: string[] = [];
  const masked = text.replace(/`[^`\n]*`/g, (match) => `\u0000${codes.push(match) - 1}\u0000`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the mark cannot occur in a document
  return change(masked).replace(/\u0000(\d+)\u0000/g, (_, n: string) => codes[Number(n)]!);
}

function linkOf(root: string, source: string, target: string, site: Site): string | undefined {
  if (/^(?:[a-z]+:|#)/i.test(target)) return target;
  const [path = "", anchor] = target.split("#");
  const file = posix.normalize(posix.join(posix.dirname(source), path)).replace(/\/$/, "");
  const at = posix.join(root, file);
  if (!existsSync(at)) throw new Error(`${source} links to ${target}, which does not exist`);
  const page = site.pages.get(file) ?? (statSync(at).isDirectory() ? site.pages.get(`${file}/README.md`) : undefined);
  if (page !== undefined) return `/${page.replace(/(^|\/)index$/, "$1")}${anchor === undefined ? "" : `#${anchor}`}`;
  // A site for users leaves out documents for contributors.
  if (file.endsWith(".md")) return undefined;
  // A folder without a page has nothing to show.
  if (statSync(at).isDirectory()) return undefined;
  if (IMAGE.test(file)) {
    site.images.set(file, file);
    return `/${file}`;
  }
  const name = /\.(?:txt|json)$/.test(file) ? `files/${file}` : `files/${file}.txt`;
  site.files.set(name, file);
  return `/${name}`;
}
