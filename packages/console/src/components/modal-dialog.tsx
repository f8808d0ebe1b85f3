import type { MjflowError, ModalInput } from "@mjflow/client";
import { type FormEvent, useState } from "react";
import { Dialog } from "./dialog.tsx";
import { MaskEditor } from "./mask-editor.tsx";
import { Problem } from "./problem.tsx";

export interface ModalDialogProps {
  title: string;
  picture: string | undefined;
  wantsMask: boolean;
  prompt: string;
  error: MjflowError | undefined;
  onSend(answer: ModalInput): Promise<boolean>;
  onClose(): void;
}

/** What a vendor's window asks: a prompt, and for a region a mask. */
export function ModalDialog({ title, picture, wantsMask, prompt: before, error, onSend, onClose }: ModalDialogProps) {
  const [prompt, setPrompt] = useState(before);
  const [mask, setMask] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const lacksMask = wantsMask && mask === undefined;

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    const text = prompt.trim();
    const isDone = await onSend({ ...(text && { prompt: text }), ...(mask && { maskBase64: mask }) });
    if (!isDone) setBusy(false);
  }

  const hint = wantsMask ? "Draw over what is to be drawn anew; the rest is kept." : undefined;
  return (
    <Dialog title={title} {...(hint && { hint })} onClose={onClose}>
      <form onSubmit={submit}>
        {wantsMask && <MaskEditor picture={picture} onMask={setMask} />}
        <label>
          Prompt
          <textarea rows={3} dir="auto" value={prompt} onChange={(event) => setPrompt(event.target.value)} />
        </label>
        <Problem error={error} />
        <div className="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={isBusy || lacksMask || (!wantsMask && !prompt.trim())}>
            {isBusy ? "Sending…" : "Send"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
