import type { MjflowError, ModalInput } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Dialog } from "../kit/dialog.tsx";
import { usd } from "../lib/money.ts";
import { useAction } from "../queries.ts";
import { t } from "../text/page-text.ts";
import { MaskEditor } from "./mask-editor.tsx";
import { Problem } from "./problem.tsx";

export interface ModalDialogProps {
  title: string;
  image: string | undefined;
  wantsMask: boolean;
  prompt: string;
  /** What the answer costs, USD. */
  priceUsd: number;
  error: MjflowError | undefined;
  onSend(answer: ModalInput): Promise<boolean>;
  onClose(): void;
}

/** Form for a modal answer: a prompt, and a mask if the press needs a region. */
export function ModalDialog({
  title,
  image,
  wantsMask,
  prompt: before,
  priceUsd,
  error,
  onSend,
  onClose,
}: ModalDialogProps) {
  const [prompt, setPrompt] = useState(before);
  const [mask, setMask] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const { off } = useAction();
  const lacksMask = wantsMask && mask === undefined;

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    const text = prompt.trim();
    const isDone = await onSend({ ...(text && { prompt: text }), ...(mask && { maskBase64: mask }) });
    if (!isDone) setBusy(false);
  }

  const hint = wantsMask ? t.modal.hint : undefined;
  return (
    <Dialog title={title} {...(hint && { hint })} onClose={onClose}>
      <form onSubmit={submit}>
        {wantsMask && <MaskEditor image={image} onMask={setMask} />}
        <label>
          {t.modal.prompt}
          <textarea rows={3} dir="auto" value={prompt} onChange={(event) => setPrompt(event.target.value)} />
        </label>
        <Problem error={error} />
        <div className="actions end">
          <button type="button" onClick={onClose}>
            {t.common.cancel}
          </button>
          <button
            type="submit"
            className="primary"
            {...off}
            disabled={off.disabled || isBusy || lacksMask || (!wantsMask && !prompt.trim())}
          >
            {isBusy ? t.common.sending : t.common.send} <span className="price">{usd(priceUsd)}</span>
          </button>
        </div>
      </form>
    </Dialog>
  );
}
