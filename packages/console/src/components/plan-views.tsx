/** Other views of a plan that is not sent yet: its tree, and the same request as code. */
import { useMemo, useState } from "react";
import { Code } from "../kit/code.tsx";
import { Tabs } from "../kit/tabs.tsx";
import type { toFlowInput } from "../lib/form.ts";
import type { Step } from "../lib/plan.ts";
import { nameOfTask } from "../lib/press.ts";
import { cliOf, curlOf, sdkOf } from "../lib/snippet.ts";
import { layout } from "../lib/tree.ts";
import { apiUrl } from "../session.ts";
import { t } from "../text/create-text.ts";
import { CopyButton } from "./copy.tsx";
import { TreeView } from "./tree-view.tsx";

export function PlanTree({ steps }: { steps: Step[] }) {
  const tree = useMemo(() => layout(steps), [steps]);
  const [selected, setSelected] = useState<string>();
  return (
    <TreeView
      label={t.create.planTree}
      layout={tree}
      selected={selected}
      onSelect={setSelected}
      compact
      toneOf={({ free }) => (free ? "off" : "wait")}
    >
      {({ press, action, prompt, free }) => (
        <span className="node-words">
          <span className="press">{nameOfTask({ press, action })}</span>
          {prompt && press !== null ? (
            <span className="faint small clip" dir="auto">
              {prompt}
            </span>
          ) : (
            free && <span className="faint small">{t.create.freeTile}</span>
          )}
        </span>
      )}
    </TreeView>
  );
}

export function Snippets({ input }: { input: ReturnType<typeof toFlowInput> }) {
  const [tab, setTab] = useState("curl");
  // Data URIs of images are megabytes of text, so the snippets show only their start.
  const { base64Array, image, endImage } = input;
  const shown = {
    ...input,
    ...(base64Array && { base64Array: base64Array.map(shortened) }),
    ...(image && { image: shortened(image) }),
    ...(endImage && { endImage: shortened(endImage) }),
  };
  const forms: Record<string, string | undefined> = {
    curl: curlOf(shown, apiUrl()),
    TypeScript: sdkOf(shown),
    CLI: cliOf(shown),
  };
  const text = forms[tab];
  return (
    <Tabs
      label={t.create.asCode}
      selected={tab}
      onSelect={setTab}
      tabs={Object.keys(forms).map((id) => ({ id, name: id }))}
    >
      {text === undefined ? (
        <p className="faint">{t.create.notInCli}</p>
      ) : (
        <>
          <Code>{text}</Code>
          <CopyButton text={text} />
        </>
      )}
    </Tabs>
  );
}

function shortened(image: string): string {
  return image.length > 80 ? `${image.slice(0, 40)}…` : image;
}
