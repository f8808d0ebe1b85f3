/** `/v1/uploads`: images that are sent to the bucket itself. Their ids can be used wherever an image is given. */

import { invalidArgument } from "./error.ts";
import type { CallOptions } from "./flow.ts";
import type { Transport } from "./transport.ts";
import type { FlowInput, ModalInput, PlanInput, PressInput, Upload, UploadInput } from "./types.ts";

/** The bytes of an image. A File of a browser is a Blob. */
export type ImageFile = Blob | Uint8Array;

export interface SendOptions extends CallOptions {
  /** Type of the image. Default: the type of its bytes. */
  contentType?: UploadInput["contentType"] | undefined;
  /** Time limit of the transfer, ms. Default: 5 minutes. */
  timeoutMs?: number | undefined;
}

const SEND_TIMEOUT_MS = 300_000;

export class Uploads {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Announces an upload and returns where to send it: one PUT of exactly these bytes, with the headers of the upload. */
  async create(input: UploadInput, { signal }: CallOptions = {}): Promise<Upload> {
    return this.#transport.send({ method: "POST", path: "/v1/uploads", body: input, signal });
  }

  /** Announces an image and sends it. The `id` of the result can be used as an image for 7 days. */
  async send(
    image: ImageFile,
    { contentType, timeoutMs = SEND_TIMEOUT_MS, signal }: SendOptions = {},
  ): Promise<Upload> {
    const blob = image instanceof Blob ? image : new Blob([image as Uint8Array<ArrayBuffer>]);
    const type = contentType ?? (await typeOf(blob));
    const upload = await this.create({ contentType: type, bytes: blob.size }, { signal });
    await this.#transport.put(upload.url, upload.headers, blob, { timeoutMs, signal });
    return upload;
  }
}

const TYPES: readonly (readonly [type: UploadInput["contentType"], start: RegExp])[] = [
  ["image/png", /^\x89PNG/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/webp", /^RIFF.{4}WEBP/s],
  ["image/gif", /^GIF8/],
];

async function typeOf(blob: Blob): Promise<UploadInput["contentType"]> {
  const head = String.fromCharCode(...new Uint8Array(await blob.slice(0, 16).arrayBuffer()));
  const type = TYPES.find(([, start]) => start.test(head))?.[0];
  if (type === undefined) throw invalidArgument("It must be a PNG, JPEG, WebP or GIF.", "image");
  return type;
}

// ── images in requests ─────────────────────────────────────────────────────────────────────────────────────────────

type Value = string | ImageFile;

/** A plan whose masks may be files. */
export interface FilePlan extends Omit<PlanInput, "modal" | "then"> {
  modal?: FileModal;
  then?: FilePlan[];
}
export interface FileModal extends Omit<ModalInput, "maskBase64"> {
  maskBase64?: Value;
}
export interface FilePress extends Omit<PressInput, "modal" | "then"> {
  modal?: FileModal;
  then?: FilePlan[];
}

/** A request of a flow whose images may be files. The client uploads them first. */
export interface FileFlow extends Omit<FlowInput, (typeof SINGLE)[number] | "base64Array" | "then"> {
  base64Array?: Value[];
  sourceBase64?: Value;
  targetBase64?: Value;
  image?: Value;
  endImage?: Value;
  maskBase64?: Value;
  then?: FilePlan[];
}

/** Fields of a request that change, as in `rerun`; null removes a field. */
export type FileChanges = { [Field in Exclude<keyof FileFlow, "permutations">]?: FileFlow[Field] | null };

/** A request of several flows. Its own fields are those that all flows have unless they set them. */
export interface FileBatch extends Partial<FileFlow> {
  batch: readonly Partial<FileFlow>[];
}

const SINGLE = ["sourceBase64", "targetBase64", "image", "endImage", "maskBase64"] as const;

type Files = FileFlow | FileChanges | FileBatch | FilePress | FileModal;

/** Uploads that are sent at one time. More of them only share the line of the caller. */
const AT_ONCE = 4;

/**
 * Uploads all files in a request and returns it with their ids. A file that occurs twice is uploaded once. After a failed upload no
 * other one begins.
 */
export async function withUploads(
  uploads: Uploads,
  input: Files,
  options: CallOptions,
): Promise<Record<string, unknown>> {
  const sent = new Map<ImageFile, Promise<Upload>>();
  const inTurn = limiter(AT_ONCE);
  const idOf = async (value: Value): Promise<string> => {
    if (typeof value === "string") return value;
    const upload = sent.get(value) ?? inTurn(() => uploads.send(value, options));
    sent.set(value, upload);
    return (await upload).id;
  };
  const walk = async (node: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const pairs = Object.entries(node).map(async ([name, value]) => [name, await replaced(name, value)] as const);
    return Object.fromEntries(await Promise.all(pairs));
  };
  const replaced = async (name: string, value: unknown): Promise<unknown> => {
    if (isFile(value)) return idOf(value);
    if (Array.isArray(value) && name === "base64Array") return Promise.all(value.map((each: Value) => idOf(each)));
    if (Array.isArray(value) && (name === "then" || name === "batch"))
      return Promise.all(value.map((each) => walk(each)));
    return name === "modal" && value ? walk(value as Record<string, unknown>) : value;
  };
  return walk(input as Record<string, unknown>);
}

/** Returns a function that runs at most `atOnce` works at one time. After a failure it starts no other work. */
function limiter(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  let failure: { error: unknown } | undefined;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((start) => waiting.push(start));
    try {
      if (failure) throw failure.error;
      return await work();
    } catch (error) {
      failure ??= { error };
      throw error;
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

function isFile(value: unknown): value is ImageFile {
  return value instanceof Uint8Array || (typeof Blob !== "undefined" && value instanceof Blob);
}
