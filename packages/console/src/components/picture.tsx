import type { Task } from "@mjflow/client";
import { useState } from "react";
import { pictureUrl } from "../lib/safe.ts";

/** Ours outlives the vendor's, so it comes first. */
export function pictureOf(task: Task | undefined): string | undefined {
  if (!task) return undefined;
  const { copies, imageUrl, images } = task;
  const own = copies.find(({ contentType }) => contentType.startsWith("image/"))?.url;
  return pictureUrl(own) ?? pictureUrl(imageUrl) ?? pictureUrl(images[0]?.url);
}

/** A picture that may not come: its link dies after a day, or was never one. */
export function Picture({ src, alt, lazy = true }: { src: string | undefined; alt: string; lazy?: boolean }) {
  const [broken, setBroken] = useState<string>();
  if (!src || broken === src) {
    return <span className={src ? "picture gone" : "picture"}>{src && "no longer there"}</span>;
  }
  return (
    <img
      className="picture"
      src={src}
      alt={alt}
      loading={lazy ? "lazy" : "eager"}
      decoding="async"
      referrerPolicy="no-referrer"
      onError={() => setBroken(src)}
    />
  );
}
