/** The pages of the site and their order. A page is a document of the repository, or it is generated from the code. */

/** A document of the repository. `path` is its place in the site, without an ending. */
export interface Page {
  path: string;
  /** Path in the repository. */
  source: string;
  /** Text in the menu. Unset: the heading of the page. */
  title?: string;
}

export interface Section {
  title: string;
  pages: readonly Page[];
}

const doc = (name: string, title?: string): Page => ({
  path: name,
  source: `docs/${name}.md`,
  ...(title !== undefined && { title }),
});
const readme = (path: string, source: string, title?: string): Page => ({
  path,
  source: `${source}/README.md`,
  ...(title !== undefined && { title }),
});

/** Ids of the vendors that have a page, in the order of the menu. */
export const VENDOR_PAGES = [
  "cometapi",
  "gitaigc",
  "xfusionai",
  "agicto",
  "midjourney-proxy",
  "trueai",
  "newapi",
  "simulator",
  "ttapi",
  "acedatacloud",
  "useapi",
  "legnext",
] as const;

export const SECTIONS: readonly Section[] = [
  {
    title: "Start",
    pages: [
      doc("quickstart", "Quick start"),
      doc("concepts", "Concepts"),
      doc("faq", "FAQ"),
      doc("troubleshooting", "Troubleshooting"),
    ],
  },
  {
    title: "Guides",
    pages: [
      doc("flows", "Plans, presses and tasks"),
      doc("webhooks", "Webhooks and events"),
      doc("verify-webhooks", "Verify webhooks"),
      doc("migrate-from-polling", "Migrate from polling"),
      doc("compat-api", "Keep a midjourney-proxy client"),
      doc("archive", "Archive images"),
      doc("share-links", "Share links"),
      doc("translation", "Translate prompts"),
      doc("apps", "Apps, keys and limits"),
      doc("limits", "Limits and prices"),
    ],
  },
  {
    title: "Vendors",
    pages: [doc("vendors", "Overview"), ...VENDOR_PAGES.map((id) => doc(`vendors/${id}`))],
  },
  {
    title: "Run",
    pages: [
      doc("local-server", "Local server"),
      doc("self-hosting", "Self-hosting"),
      doc("deploy", "Deploy to AWS"),
      doc("operations", "Operations"),
      doc("console", "Console"),
    ],
  },
  {
    title: "Programs",
    pages: [
      readme("client", "packages/client", "TypeScript client"),
      readme("cli", "packages/cli", "Command line"),
      readme("simulator", "packages/simulator", "Simulator"),
      { path: "examples/index", source: "examples/README.md", title: "Examples" },
    ],
  },
  {
    title: "Project",
    pages: [
      { path: "changelog", source: "CHANGELOG.md", title: "Changelog" },
      doc("reliability", "Reliability"),
      doc("performance", "Performance and cost"),
      doc("faults", "Faults and tests"),
      doc("architecture", "Architecture"),
      doc("protocol", "Protocol of the vendors"),
      doc("rules", "Rules"),
      doc("glossary", "Glossary"),
      doc("style", "Style"),
      doc("releasing", "Releasing"),
      { path: "contributing", source: "CONTRIBUTING.md", title: "Contributing" },
      { path: "security", source: "SECURITY.md", title: "Security" },
    ],
  },
];
