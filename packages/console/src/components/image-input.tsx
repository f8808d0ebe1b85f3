/** Images of a request: dropped, pasted, chosen or linked. */
import { type ClipboardEvent, type DragEvent, useEffect, useRef, useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { safeImageUrl, safeLinkUrl } from "../lib/safe.ts";
import { smallImage } from "../small-image.ts";
import { t } from "../text/create-text.ts";

/** Limit of all images together. A request has at most 6 MB, and base64 adds a third. */
const MAX_BYTES = 4_000_000;

export function ImageInput(props: { max: number; images: string[]; onChange: (images: string[]) => void }) {
  const { max, images, onChange } = props;
  const [problem, setProblem] = useState("");
  const [isOver, setOver] = useState(false);
  const [link, setLink] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const isFull = images.length >= max;

  async function add(files: readonly File[]) {
    const chosen = files.filter(({ type }) => type.startsWith("image/")).slice(0, max - images.length);
    if (chosen.length === 0) return;
    try {
      const added = await Promise.all(chosen.map(smallImage));
      const bytes = [...images, ...added].join("").length * 0.75;
      if (bytes > MAX_BYTES) return setProblem(t.images.tooLarge);
      setProblem("");
      onChange([...images, ...added]);
    } catch {
      setProblem(t.images.unreadable);
    }
  }
  function addLink() {
    const url = safeLinkUrl(link.trim());
    if (link.trim() === "") return;
    if (!url) return setProblem(t.images.badLink);
    setProblem("");
    setLink("");
    onChange([...images, url]);
  }
  // A picture can be pasted anywhere on the page.
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    const onPaste = (event: Event) => {
      const files = [...((event as unknown as ClipboardEvent).clipboardData?.files ?? [])];
      if (files.length > 0) void latest.current(files);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, []);

  return (
    <div className="image-input">
      <ul className="chosen">
        {images.map((image, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same image may be chosen twice
          <li key={i}>
            <img
              src={image.startsWith("data:image/") ? image : safeImageUrl(image)}
              alt={t.images.chosen(i + 1)}
              referrerPolicy="no-referrer"
            />
            <button
              type="button"
              aria-label={t.images.remove(i + 1)}
              onClick={() => onChange(images.filter((_, at) => at !== i))}
            >
              <Icon name="x" size="tiny" />
            </button>
          </li>
        ))}
        {!isFull && (
          <li>
            <button
              type="button"
              className={isOver ? "drop over" : "drop"}
              onClick={() => input.current?.click()}
              onDragOver={(event: DragEvent) => {
                event.preventDefault();
                setOver(true);
              }}
              onDragLeave={() => setOver(false)}
              onDrop={(event: DragEvent) => {
                event.preventDefault();
                setOver(false);
                void add([...event.dataTransfer.files]);
              }}
            >
              <Icon name="image-plus" size="large" />
              {t.images.drop}
            </button>
          </li>
        )}
      </ul>
      <input
        ref={input}
        className="unseen"
        type="file"
        accept="image/*"
        aria-label={t.images.label(max)}
        tabIndex={-1}
        multiple={max > 1}
        disabled={isFull}
        onChange={(event) => {
          void add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      {!isFull && (
        <input
          type="url"
          className="image-link"
          aria-label={t.images.link}
          placeholder={t.images.linkHint}
          value={link}
          onChange={(event) => setLink(event.target.value)}
          onBlur={addLink}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.metaKey || event.ctrlKey) return;
            // Enter adds the link. It must not submit the form, because a submitted plan costs money.
            event.preventDefault();
            addLink();
          }}
        />
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
