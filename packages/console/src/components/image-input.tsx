/** Images of a request: dropped, pasted, chosen or linked. */
import { type ClipboardEvent, type DragEvent, useEffect, useRef, useState } from "react";
import { Icon } from "../kit/icon.tsx";
import type { FlowForm, Reference, Role } from "../lib/form.ts";
import { safeImageUrl, safeLinkUrl } from "../lib/safe.ts";
import { useMjflow } from "../session.ts";
import { smallImage } from "../small-image.ts";
import { t } from "../text/create-text.ts";

/** Limit of all images together. A request has at most 6 MB, and base64 adds a third. */
const MAX_BYTES = 4_000_000;

export interface ImageInputProps {
  max: number;
  images: readonly Reference[];
  action: FlowForm["action"];
  /** @param action the new root action: the role "blend" is an action of its own */
  onChange(images: Reference[], action?: FlowForm["action"]): void;
}

/** A style or a character must be a link, so an image of this machine is sent to the storage first. */
const isLinked = (role: Role) => role !== "image";

export function ImageInput({ max, images, action, onChange }: ImageInputProps) {
  const mjflow = useMjflow();
  const [isBusy, setBusy] = useState(false);
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
      const bytes = [...images.map(({ src }) => src), ...added].join("").length * 0.75;
      if (bytes > MAX_BYTES) return setProblem(t.images.tooLarge);
      setProblem("");
      onChange([...images, ...added.map(newReference)]);
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
    onChange([...images, newReference(url)]);
  }
  async function setRole(at: number, role: Role | "blend") {
    if (role === "blend") return onChange([...images], "blend");
    const image = images[at]!;
    if (!isLinked(role) || !image.src.startsWith("data:")) return put({ ...image, role });
    setBusy(true);
    try {
      const { link } = await mjflow.uploads.send(blobOf(image.src));
      setProblem("");
      put({ src: link, role });
    } catch {
      setProblem(t.images.notUploaded);
    } finally {
      setBusy(false);
    }
    function put(next: Reference) {
      onChange(
        images.map((each, i) => (i === at ? next : each)),
        "imagine",
      );
    }
  }
  // A picture can be pasted anywhere on the page.
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    const onPaste = (event: Event) => {
      const files = [...((event as unknown as ClipboardEvent).clipboardData?.files ?? [])];
      if (files.length > 0) void latest.current(files);
    };
    // The browser would open a file that is dropped beside the button, and the page would be gone.
    const onDragOver = (event: Event) => event.preventDefault();
    const onDrop = (event: Event) => {
      event.preventDefault();
      void latest.current([...((event as unknown as DragEvent).dataTransfer?.files ?? [])]);
    };
    document.addEventListener("paste", onPaste);
    document.addEventListener("dragover", onDragOver);
    document.addEventListener("drop", onDrop);
    return () => {
      document.removeEventListener("paste", onPaste);
      document.removeEventListener("dragover", onDragOver);
      document.removeEventListener("drop", onDrop);
    };
  }, []);

  return (
    <div className="image-input">
      <ul className="chosen">
        {images.map((image, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same image may be chosen twice
          <li key={i}>
            <img
              src={image.src.startsWith("data:image/") ? image.src : safeImageUrl(image.src)}
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
            {(action === "imagine" || action === "blend") && (
              <select
                className="role"
                aria-label={t.images.role(i + 1)}
                disabled={isBusy}
                value={action === "blend" ? "blend" : image.role}
                onChange={(event) => void setRole(i, event.target.value as Role | "blend")}
              >
                {(["image", "style", "character", "blend"] as const).map((role) => (
                  <option key={role} value={role}>
                    {t.images.roles[role]}
                  </option>
                ))}
              </select>
            )}
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
              onDrop={() => setOver(false)}
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

function newReference(src: string): Reference {
  return { src, role: "image" };
}

/** The bytes of a data URI. The page's policy does not allow `fetch` of one. */
function blobOf(uri: string): Blob {
  const [head = "", data = ""] = uri.split(",", 2);
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  return new Blob([bytes], { type: /^data:([^;]+)/.exec(head)?.[1] ?? "" });
}
