/**
 * Saving pictures as files. The page reads archived copies, because the API and the bucket allow the console to. Every other picture
 * is opened in a new tab, where the browser can save it.
 */
import { fileNameOf, type Shot } from "./lib/shot.ts";
import { t } from "./text/text.ts";

/** Returns the address from which the page can read the picture itself; undefined if it cannot. */
export function savableUrl({ copy }: Shot): string | undefined {
  return copy?.url;
}

/** Saves one picture, or opens it in a new tab. */
export async function download(shot: Shot): Promise<void> {
  const url = savableUrl(shot);
  const bytes = url && (await bytesOf(url));
  if (bytes) save([bytes], fileNameOf(shot), shot.copy!.contentType);
  else open(url ?? shot.video ?? shot.sources[0], "_blank", "noopener,noreferrer");
}

/** Saves the pictures that the page can read as one ZIP file. @returns how many are in it */
export async function downloadZip(shots: readonly Shot[]): Promise<number> {
  const savable = shots.filter((shot) => savableUrl(shot) !== undefined);
  // A picture with four quarters is one file.
  const unique = savable.filter((shot, i) => savable.findIndex(({ copy }) => copy!.url === shot.copy!.url) === i);
  const entries = [];
  for (const shot of unique) {
    const bytes = await bytesOf(shot.copy!.url);
    if (bytes) entries.push({ name: fileNameOf(shot), bytes });
  }
  if (entries.length > 0) {
    const { zipOf } = await import("./lib/zip.ts");
    save(zipOf(entries), "mjflow-images.zip", "application/zip");
  }
  return entries.length;
}

/** Returns undefined if the browser does not let the page read the file: it is on a CDN that does not allow other origins. */
async function bytesOf(url: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await fetch(url).catch(() => undefined);
  if (!response) return undefined;
  if (!response.ok) throw new Error(t.gallery.copyUnreadable(response.status));
  return new Uint8Array(await response.arrayBuffer());
}

/** Saves a text as a file. */
export function saveText(text: string, name: string, type: string): void {
  save([new TextEncoder().encode(text)], name, type);
}

function save(parts: Uint8Array<ArrayBuffer>[], name: string, type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // The browser has taken the file when the next task runs.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
