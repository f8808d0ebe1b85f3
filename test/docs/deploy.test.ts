/** The deploy guide: a newcomer must see after each step whether it worked. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const GUIDE = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
const sections = GUIDE.split(/^## /m)
  .slice(1)
  .map((text) => ({ title: text.slice(0, text.indexOf("\n")), text }));

test("the guide has its steps, CI, upgrade and removal", () => {
  expect(sections.map(({ title }) => title)).toEqual([
    "1. Install",
    "2. An AWS account and credentials",
    "3. Region and settings",
    "4. Secrets of a trial stage",
    "5. Deploy the trial stage",
    "6. First key, first flow",
    "7. Production",
    "Deploy from CI",
    "What a stage costs",
    "Upgrade, backup, restore",
    "Remove",
  ]);
});

test.each(sections.filter(({ title }) => title !== "What a stage costs"))("$title ends with a check", ({ text }) => {
  const checks = [...text.matchAll(/\bCheck: [^\n]+/g)];
  expect(checks.length).toBeGreaterThan(0);
  // After the last check there are only commands that it names.
  const rest = text.slice(checks.at(-1)!.index).replace(/```sh\n[\s\S]*?```/g, "");
  expect(rest.match(/```/)).toBeNull();
});

test("every shell variable of the guide is set in it", () => {
  const scripts = [...GUIDE.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, script]) => script!).join("\n");
  const used = new Set([...scripts.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name!));
  const set = [...scripts.matchAll(/(?:export |for |^)([A-Za-z_]\w*)(?:=| in )/gm)].map(([, name]) => name!);
  expect([...used].filter((name) => !set.includes(name))).toEqual([]);
});
