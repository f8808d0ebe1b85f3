/**
 * Bytes of unknown length on their way to the bucket, on disk in between: whatever the size, memory holds one piece. When
 * the last has come, length and checksum are known, and the bucket hears of it only then; a download that breaks, lies
 * or is refused never reaches the bucket at all. See docs/decisions/0007.
 *
 * The file has no name: it is unlinked as soon as it is open, and the kernel takes its space back when the process ends,
 * however it ends. Lambda gives 512 MB for all that run at once.
 */
import { createHash, randomUUID } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What can be stored: its length and checksum are known before the first byte is sent. */
export interface Source {
  bytes: number;
  /** Hex. */
  sha256: string;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface TempFile {
  /** So far. */
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Once, when the last chunk is written. */
  end(): Source;
  close(): Promise<void>;
}

export async function openTempFile(): Promise<TempFile> {
  const path = join(tmpdir(), `mjflow-${randomUUID()}`);
  // Readable to nobody else, and an error where the name exists: the folder may be everybody's.
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
          if (bytesRead === 0) throw new Error("the spool is shorter than what was written to it");
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
