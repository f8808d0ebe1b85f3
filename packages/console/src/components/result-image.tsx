import type { Task } from "@mjflow/client";
import { useState } from "react";
import { safeImageUrl } from "../lib/safe.ts";
import { t } from "../text/text.ts";

/** Returns the address of the task's image, or of its preview while the vendor draws. The archived copy comes first, because the vendor's link expires. */
export function resultImageUrl(task: Task | undefined): string | undefined {
  if (!task) return undefined;
  const { copies, imageUrl, images, previewUrl } = task;
  const own = copies.find(({ contentType }) => contentType.startsWith("image/"))?.url;
  return safeImageUrl(own) ?? safeImageUrl(imageUrl) ?? safeImageUrl(images[0]?.url) ?? safeImageUrl(previewUrl);
}

export interface ResultImageProps {
  src: string | undefined;
  alt: string;
  lazy?: boolean;
  className?: string;
}

/** An image that may fail to load: a vendor link expires after a day, and `src` may be unset. */
export function ResultImage({ src, alt, lazy = true, className = "" }: ResultImageProps) {
  const [broken, setBroken] = useState<string>();
  if (!src || broken === src) {
    const name = alt === "" ? {} : { role: "img", "aria-label": alt };
    return (
      <span className={`image ${src ? "gone" : ""} ${className}`} {...name}>
        {src && t.gallery.notAvailable}
      </span>
    );
  }
  return (
    <img
      className={`image ${className}`}
      src={src}
      alt={alt}
      loading={lazy ? "lazy" : "eager"}
      decoding="async"
      referrerPolicy="no-referrer"
      onError={() => setBroken(src)}
    />
  );
}
