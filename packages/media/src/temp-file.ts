/**
 * Temporary file for a download of unknown length on its way to the bucket. Memory holds only one piece, whatever the
 * size. Length and checksum are known when the download is complete, and only then the upload starts. A download that
 * breaks off, has a wrong length or is rejected never reaches the bucket. See docs/decisions/0007.
 *
 * The file is unlinked as soon as it is open. Therefore the kernel frees its space when the process ends in any way.
 * Lambda has 512 MB for all files of one instance.
 */
import { createHash, randomUUID } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Content for an upload, with length and checksum known before the first byte is sent. */
export interface Source {
  bytes: number;
  /** Checksum, hex. */
  sha256: string;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface TempFile {
  /** Number of bytes written so far. */
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Returns the content for the upload. Call it once, after the last chunk. */
  end(): Source;
  close(): Promise<void>;
}

export async function openTempFile(): Promise<TempFile> {
  const path = join(tmpdir(), `mjflow-${randomUUID()}`);
  // Other users may use the same folder: the file is readable only by us, and an existing name is an error.
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      hash.update(chunk);
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done, chunk.length - done, bytes + done)).bytesWritten;
      }
      bytes += chunk.length;
    },
    end: () => ({
      bytes,
      sha256: hash.digest("hex"),
      async read(offset, length) {
        const piece = Buffer.allocUnsafe(Math.min(length, bytes - offset));
        for (let done = 0; done < piece.length; ) {
          const { bytesRead } = await file.read(piece, done, piece.length - done, offset + done);
          if (bytesRead === 0) throw new Error("the temporary file is shorter than the data written to it");
          done += bytesRead;
        }
        return piece;
      },
    }),
    close: () => file.close(),
  };
}

export function sourceOf(bytes: Uint8Array): Source {
  return {
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}
