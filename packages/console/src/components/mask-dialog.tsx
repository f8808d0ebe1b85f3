import { useState } from "react";
import { Dialog } from "../kit/dialog.tsx";
import { t } from "../text/create-text.ts";
import { MaskEditor } from "./mask-editor.tsx";

/** Editor for a region before the image exists. It shows an empty square of Midjourney's default size. */
export function MaskDialog(props: { onDone: (mask: string | undefined) => void; onClose: () => void }) {
  const [mask, setMask] = useState<string>();
  return (
    <Dialog title={t.create.region} hint={t.create.regionHint} onClose={props.onClose}>
      <MaskEditor image={undefined} onMask={setMask} />
      <div className="actions end">
        <button type="button" className="primary" disabled={!mask} onClick={() => props.onDone(mask)}>
          {t.create.useRegion}
        </button>
      </div>
    </Dialog>
  );
}
