/** Every code sample of the documentation has a check or a reason. `npm run docs:samples` runs them. */
import { describe, expect, test } from "vitest";
import { documentSamples, samplesIn } from "./samples/extract.ts";
import { planOf } from "./samples/plan.ts";

const samples = documentSamples();

test("the documents have samples, and most samples of guides are run", () => {
  const guides = ["docs/quickstart.md", "docs/flows.md", "docs/webhooks.md", "docs/verify-webhooks.md", "docs/apps.md"];
  const code = samples.filter(({ page, language }) => guides.includes(page) && !["", "text"].includes(language));
  expect(code.length).toBeGreaterThan(12);
  expect(code.filter((sample) => planOf(sample).kind !== "skip").length).toBeGreaterThan(code.length * 0.7);
});

test.each(samples.map((sample) => [`${sample.page} ${sample.number}`, sample] as const))(
  "%s has a check or a reason",
  (_, sample) => {
    const plan = planOf(sample);
    if (plan.kind === "skip") expect(plan.why.length).toBeGreaterThan(8);
  },
);

test("JSON in a document is valid unless it leaves something out", () => {
  const broken = samples.filter(({ language, code }) => {
    if (language !== "json" || code.includes("…")) return false;
    try {
      JSON.parse(code);
      return false;
    } catch {
      return true;
    }
  });
  expect(broken.map(({ page, number }) => `${page} ${number}`)).toEqual([]);
});

describe("the list", () => {
  test("a comment before a block is its note", () => {
    const text = "<!-- not run: it is long -->\n```sh\nsleep 9\n```\n\n```ts\n1;\n```\n";
    expect(samplesIn("x.md", text)).toEqual([
      { page: "x.md", number: 1, language: "sh", code: "sleep 9\n", note: "not run: it is long" },
      { page: "x.md", number: 2, language: "ts", code: "1;\n", note: undefined },
    ]);
  });

  test("a block in an unknown language is an error", () => {
    expect(() => planOf({ page: "x.md", number: 1, language: "cobol", code: "", note: undefined })).toThrow("cobol");
  });
});
