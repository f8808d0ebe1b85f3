/** The configuration of VitePress. `build.ts` runs it in a folder of pages. */
import { anchorOf } from "./markdown.ts";

/** The part of markdown-it that is used here. */
interface MarkdownIt {
  core: {
    ruler: {
      push(name: string, rule: (state: { tokens: { type: string; tag: string; content: string }[] }) => void): void;
    };
  };
}

interface Options {
  base: string;
  version: string;
  menus: object;
}

export function config({ base, version, menus }: Options) {
  return {
    base,
    lang: "en",
    title: "mjflow",
    description: "A webhook-driven backend for Midjourney-style image tasks.",
    // Any static host serves files with an ending, so links have one.
    cleanUrls: false,
    // The data of all pages is a file and no inline script, so the policy of the site can forbid inline scripts.
    metaChunk: true,
    lastUpdated: false,
    head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}icon.svg` }]],
    markdown: {
      anchor: { slugify: anchorOf },
      /** A cell without text is no heading of a table. */
      config(md: MarkdownIt) {
        md.core.ruler.push("empty-heading-cells", ({ tokens }) => {
          for (const [i, token] of tokens.entries()) {
            const end = tokens[i + 2];
            if (token.type !== "th_open" || end === undefined || tokens[i + 1]?.content !== "") continue;
            token.tag = "td";
            end.tag = "td";
          }
        });
      },
      // The default delimiters are braces, which types of the reference have too.
      attrs: { leftDelimiter: "{:", rightDelimiter: ":}" },
      theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    },
    vite: { logLevel: "warn", build: { chunkSizeWarningLimit: 4_000 } },
    themeConfig: {
      siteTitle: "mjflow",
      nav: [
        { text: "Guides", link: "/quickstart", activeMatch: "^/(quickstart|concepts|flows|webhooks|vendors)" },
        { text: "API", link: "/reference/", activeMatch: "^/reference/" },
        { text: "Errors", link: "/errors/", activeMatch: "^/errors/" },
        { text: version, link: "/changelog" },
      ],
      sidebar: menus,
      outline: { level: [2, 3], label: "On this page" },
      docFooter: { prev: "Previous", next: "Next" },
      search: {
        provider: "local",
        options: {
          // Readers search guides and the reference. Decisions and lists of tests would hide them.
          _render(src: string, env: { relativePath?: string }, md: { render(text: string, env: object): string }) {
            return /^(?:decisions|packages|functions)\//.test(env.relativePath ?? "") ? "" : md.render(src, env);
          },
        },
      },
    },
  };
}
