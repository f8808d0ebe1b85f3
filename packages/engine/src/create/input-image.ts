/**
 * The images of a request before anything is stored or paid. Uploads are found, and types are checked by bytes. Each image gets
 * the form that the chosen vendor reads. A vendor that takes links gets a link of ours to an upload. Another one gets data URIs:
 * mjflow reads uploads and links itself, and scales uploads down that would be too large. Masks are always data URIs with their own pixels.
 * See docs/decisions/0061 and 0085.
 */
import { DEFAULT_APP } from "@mjflow/core/app";
import { type ImageReason, MjflowError, type Retry } from "@mjflow/core/error";
import type { ReducedInput } from "@mjflow/core/flow";
import {
  INPUT_EXTENSIONS,
  INPUT_HEAD_BYTES,
  INPUT_NAMES,
  INPUT_TYPES,
  type InputType,
  inputTypeOf,
  otherFormatOf,
} from "@mjflow/core/image-type";
import type { InputImages, ReducedImage, UploadCounts } from "@mjflow/core/port";
import type { ActionRequest, FlowRequest, ModalInput, PlanInput, UploadRequest } from "@mjflow/core/request";
import { isUploadId, UPLOAD, uploadIdOf, uploadKeyOf } from "@mjflow/core/upload";
import type { EngineDeps } from "../deps.ts";

export interface InputImageDeps extends Pick<EngineDeps, "clock"> {
  images: InputImages;
  /** Returns the link under which a vendor fetches an upload. It needs no key and ends like the name of an image. */
  imageUrl(key: string, extension: string): string;
}

// ── uploads ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewUpload {
  id: string;
  url: string;
  contentType: InputType;
  bytes: number;
  expiresAt: number;
}

/**
 * Returns where an app sends one image. No row is stored for it; only the uploads of an hour are counted.
 *
 * @throws MjflowError `too_many_uploads`; `overloaded`
 */
export async function createUpload(
  deps: Pick<InputImageDeps, "images"> & Pick<EngineDeps, "clock" | "random"> & { uploadCounts: UploadCounts },
  appId: string,
  { contentType, bytes }: UploadRequest,
): Promise<NewUpload> {
  const { images, clock, random } = deps;
  const now = clock.now();
  await countUpload(deps.uploadCounts, appId, bytes, now);
  const id = uploadIdOf(now, random.bytes(10));
  const url = await images.presign({ key: uploadKeyOf(appId, id), contentType, bytes, expiresS: UPLOAD.urlS });
  return { id, url, contentType, bytes, expiresAt: now + UPLOAD.urlS * 1_000 };
}

/** The operator has no limits. */
async function countUpload(counts: UploadCounts, appId: string, bytes: number, now: number): Promise<void> {
  if (appId === DEFAULT_APP) return;
  const { bytesPerHour, uploadsPerHour, hourMs } = UPLOAD;
  const startedAt = Math.floor(now / hourMs) * hourMs;
  const isCounted = await counts.add(appId, startedAt, bytes, { bytes: bytesPerHour, uploads: uploadsPerHour });
  if (isCounted) return;
  throw new MjflowError("too_many_uploads", {
    detail: `An app can announce ${uploadsPerHour} uploads with together ${bytesPerHour / 1e9} GB in an hour.`,
    retry: { afterMs: startedAt + hourMs - now },
  });
}

// ── images of a request ────────────────────────────────────────────────────────────────────────────────────────────

/** How a vendor reads images. */
export interface ImageForm {
  /** True if the vendor takes links. */
  links: boolean;
  /** False if the vendor cannot reach the links of this server. Uploads then become data URIs. */
  reachesUs: boolean;
}

export interface CheckedImages {
  /** The request with its masks as data URIs. The other images are as the app sent them. */
  request: FlowRequest;
  /** Field of the first image that is a link or an upload; unset: all are data URIs. */
  linkField: string | undefined;
  /** Field of the first image that is a data URI; unset: none. */
  dataField?: string | undefined;
  /**
   * Field of the upload with which the data URIs would be too large, and which is not scaled down because of a mask. Only a vendor
   * that takes links can get it.
   */
  linkOnly: string | undefined;
  /** Returns the request with each image in this form. */
  resolve(form: ImageForm): Promise<ResolvedImages>;
}

export interface ResolvedImages {
  request: FlowRequest;
  /** Field of the first link. */
  linkField: string | undefined;
  /** The images that were scaled down. Unset: none. */
  reduced?: ReducedInput[];
}

/** @throws MjflowError `image_rejected` with `field` and `reason`; `overloaded` */
export async function checkImages(deps: InputImageDeps, appId: string, sent: FlowRequest): Promise<CheckedImages> {
  const { request, slots } = slotsOf(sent);
  const budget = { left: UPLOAD.dataBytes };
  for (const { field, value } of slots) if (isData(value)) budget.left -= checkData(field, value);
  const uploads = new Map(
    await Promise.all(slots.filter(({ value }) => isUploadId(value)).map((slot) => findUpload(deps, appId, slot))),
  );
  for (const slot of slots) if (slot.isMask) slot.set(await maskOf(deps, slot, uploads.get(slot.value), budget));
  const images = slots.filter(({ isMask }) => !isMask);
  // A mask has the size of its image. With another size it would mark another region.
  const linkOnly = sent.maskBase64 === undefined ? undefined : firstTooLarge(images, uploads, budget.left);
  return {
    request,
    linkOnly,
    linkField: images.find(({ value }) => !isData(value))?.field,
    dataField: images.find(({ value }) => isData(value))?.field,
    async resolve({ links, reachesUs }) {
      const values = new Map<Slot, string>();
      const read: Slot[] = [];
      for (const slot of images) {
        const upload = uploads.get(slot.value);
        if (upload && links && reachesUs) values.set(slot, deps.imageUrl(upload.key, INPUT_EXTENSIONS[upload.type]));
        else if (isData(slot.value) || (links && !upload)) values.set(slot, slot.value);
        else read.push(slot);
      }
      if (linkOnly !== undefined && read.length > 0) throw tooLarge(linkOnly, `${links ? UNREACHABLE : ""}${MASKED}`);
      const { uris, reduced } = await dataUrisOf(deps, read, uploads, budget);
      for (const slot of images) slot.set(values.get(slot) ?? uris.get(slot)!);
      const linkField = images.find((slot) => values.has(slot) && !isData(values.get(slot)!))?.field;
      return { request, linkField, ...(reduced.length > 0 && { reduced }) };
    },
  };
}

/** Reads links before uploads, because an upload can be scaled down into the room that is left. */
async function dataUrisOf(
  deps: InputImageDeps,
  slots: readonly Slot[],
  uploads: ReadonlyMap<string, Upload>,
  budget: Budget,
): Promise<{ uris: Map<Slot, string>; reduced: ReducedInput[] }> {
  const uris = new Map<Slot, string>();
  const readAll = (some: readonly Slot[]) =>
    Promise.all(some.map(async (slot) => uris.set(slot, await dataUriOf(deps, slot, sources.get(slot.value), budget))));
  const sources = new Map<string, Pick<Upload, "key">>(uploads);
  const own = slots.filter(({ value }) => uploads.has(value));
  await readAll(slots.filter(({ value }) => !uploads.has(value)));
  const reduced: ReducedInput[] = [];
  for (const [id, fields] of toReduce(own, uploads, budget.left)) {
    const upload = uploads.get(id)!;
    const { key, ...copy } = await deps.images
      .reduceUpload({ key: upload.key, etag: upload.etag })
      .catch(rethrowOfReduction(fields[0]!));
    sources.set(id, { key });
    reduced.push(...fields.map((field) => ({ field, ...sizesOf(copy), originalBytes: upload.bytes })));
  }
  await readAll(own);
  return { uris, reduced };
}

/** Returns the uploads to scale down with their fields: the largest ones, until all fit. */
function toReduce(slots: readonly Slot[], uploads: ReadonlyMap<string, Upload>, room: number): [string, string[]][] {
  const fields = new Map<string, string[]>();
  for (const { value, field } of slots) fields.set(value, [...(fields.get(value) ?? []), field]);
  const bytesOf = ([id, of]: [string, string[]]) => uploads.get(id)!.bytes * of.length;
  let left = room - [...fields].reduce((sum, each) => sum + bytesOf(each), 0);
  const largestFirst = [...fields].sort(([a], [b]) => uploads.get(b)!.bytes - uploads.get(a)!.bytes);
  const chosen: [string, string[]][] = [];
  for (const each of largestFirst) {
    if (left >= 0) break;
    chosen.push(each);
    left += bytesOf(each) - Math.min(bytesOf(each), UPLOAD.reducedBytes * each[1].length);
  }
  return chosen;
}

function sizesOf({ bytes, contentType, width, height, originalWidth, originalHeight }: Omit<ReducedImage, "key">) {
  return { bytes, contentType, width, height, originalWidth, originalHeight };
}

/** Returns the field of the first upload for which no room is left in data URIs. */
function firstTooLarge(
  images: readonly Slot[],
  uploads: ReadonlyMap<string, Upload>,
  room: number,
): string | undefined {
  let left = room;
  return images.find(({ value }) => {
    left -= uploads.get(value)?.bytes ?? 0;
    return left < 0;
  })?.field;
}

/** Returns the request of a press or a modal answer with its masks as data URIs. @throws MjflowError `image_rejected` */
export async function withMasks<T extends Pick<ActionRequest, "modal" | "then"> & ModalInput>(
  deps: InputImageDeps,
  appId: string,
  sent: T,
): Promise<T> {
  const { request, slots } = slotsOf(sent);
  const budget = { left: UPLOAD.dataBytes };
  for (const slot of slots) {
    const upload = isUploadId(slot.value) ? (await findUpload(deps, appId, slot))[1] : undefined;
    slot.set(await maskOf(deps, slot, upload, budget));
  }
  return request;
}

/** The error of a vendor that takes no links, for images that are too large as data URIs. */
export function tooLarge(field: string, hint: string, more: Record<string, unknown> = {}): MjflowError {
  const detail = `for a vendor without links the images of a request may have ${UPLOAD.dataBytes / 1024 / 1024} MB in all.`;
  return rejected(field, "too_large", `${detail}${hint}`, { limitBytes: UPLOAD.dataBytes, ...more });
}

const MASKED =
  " An image with a mask is not scaled down, because the mask would mark another region. Send both in a smaller size.";
const UNREACHABLE =
  " The vendor takes links, but cannot reach the address of this server. Set MJFLOW_PUBLIC_URL, or MJFLOW_API_URL.";

// ── one image ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Upload {
  key: string;
  type: InputType;
  bytes: number;
  etag: string;
}

/** A place in a request where an image is given. */
interface Slot {
  field: string;
  value: string;
  isMask: boolean;
  set(value: string): void;
}

interface Budget {
  /** Bytes that further data URIs may have. */
  left: number;
}

async function findUpload(
  { images, clock }: InputImageDeps,
  appId: string,
  { field, value: id }: Slot,
): Promise<[id: string, upload: Upload]> {
  const key = uploadKeyOf(appId, id);
  const found = await images.findUpload(key).catch(rethrow(field));
  if (!found) throw rejected(field, "not_sent", `no image was sent for ${id}, or it is of another app.`);
  if (clock.now() - found.storedAt > UPLOAD.usableMs)
    throw rejected(field, "expired", "the upload is older than 7 days. Send the image again.");
  const type = typeOf(field, found.head);
  if (type !== found.contentType)
    throw rejected(field, "wrong_type", `the upload was announced as ${found.contentType}, but is ${type}.`);
  return [id, { key, type, bytes: found.bytes, etag: found.etag }];
}

async function maskOf(deps: InputImageDeps, slot: Slot, upload: Upload | undefined, budget: Budget): Promise<string> {
  if (!upload) return slot.value;
  if (upload.type !== "image/png")
    throw rejected(slot.field, "wrong_type", `a mask must be a PNG, not ${upload.type}.`);
  if (upload.bytes > budget.left) throw tooLarge(slot.field, "");
  return dataUriOf(deps, slot, upload, budget);
}

async function dataUriOf(
  { images }: InputImageDeps,
  { field, value }: Slot,
  upload: Pick<Upload, "key"> | undefined,
  budget: Budget,
): Promise<string> {
  const read = upload ? images.readUpload(upload.key, budget.left) : images.readLink(value, budget.left);
  const bytes = await read.catch(rethrow(field));
  budget.left -= bytes.length;
  if (budget.left < 0) throw tooLarge(field, "");
  const type = typeOf(field, bytes.subarray(0, INPUT_HEAD_BYTES));
  return `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}`;
}

/** Checks the bytes of a data URI. Unknown bytes with an accepted type are left to the vendor. @returns the size in bytes */
function checkData(field: string, uri: string): number {
  const comma = uri.indexOf(",");
  const head = Buffer.from(uri.slice(comma + 1, comma + 1 + Math.ceil(INPUT_HEAD_BYTES / 3) * 4), "base64");
  const declared = uri.slice("data:".length, uri.indexOf(";"));
  const isAccepted = (INPUT_TYPES as readonly string[]).includes(declared) || declared === "image/jpg";
  if (inputTypeOf(head) === undefined && (otherFormatOf(head) !== undefined || !isAccepted)) {
    throw wrongType(field, otherFormatOf(head) ?? declared);
  }
  return Math.floor(((uri.length - comma - 1) * 3) / 4);
}

function typeOf(field: string, head: Uint8Array): InputType {
  const type = inputTypeOf(head);
  if (type === undefined) throw wrongType(field, otherFormatOf(head) ?? "no image that mjflow knows");
  return type;
}

function isData(value: string): boolean {
  return /^data:/i.test(value);
}

// ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function wrongType(field: string, found: string): MjflowError {
  return rejected(field, "wrong_type", `the image is ${found}. Send a ${INPUT_NAMES}.`, { found });
}

function rejected(
  field: string,
  reason: ImageReason,
  text: string,
  { retry, ...extra }: { retry?: Retry; [name: string]: unknown } = {},
): MjflowError {
  const detail = `${field}: ${text}`;
  return new MjflowError("image_rejected", { field, detail, extra: { reason, ...extra }, ...(retry && { retry }) });
}

const UPLOAD_IT = " Upload the image (POST /v1/uploads): mjflow scales uploads down for such a vendor.";

/** The errors of scaling down are about the decoder, not about the size in bytes. */
function rethrowOfReduction(field: string): (error: unknown) => never {
  return (error) => {
    const { code = "" } = error as { code?: string };
    const intro = "the image must be scaled down for a vendor without links, and";
    if (code === "not_media")
      throw rejected(field, "broken", `${intro} it cannot be decoded. Save it again as a JPEG or PNG.`);
    if (code === "too_large") {
      const limit = `At most ${UPLOAD.pixels / 1_000_000} megapixels are decoded. Send a smaller image.`;
      throw rejected(field, "too_large", `${intro} it has too many pixels for that. ${limit}`, {
        limitPixels: UPLOAD.pixels,
      });
    }
    return rethrow(field)(error);
  };
}

const READ_FAULTS: Readonly<Record<string, [reason: ImageReason, text: string]>> = {
  gone: ["gone", "the image does not exist, or its server refuses it."],
  forbidden: ["forbidden", "mjflow may not fetch from this address. Upload the image instead."],
  unavailable: ["unavailable", "the image could not be fetched in time. Upload it, or send the request again."],
};

function rethrow(field: string): (error: unknown) => never {
  return (error) => {
    const { code = "", message } = error as { code?: string; message?: string };
    if (code === "too_large") throw tooLarge(field, UPLOAD_IT);
    const [reason, text] = READ_FAULTS[code] ?? [];
    if (reason === undefined) throw error;
    const retry: Retry = reason === "unavailable" ? { afterMs: 1_000 } : "never";
    throw rejected(field, reason, `${text}${message === undefined ? "" : ` (${message})`}`, { retry });
  };
}

// ── where images are ───────────────────────────────────────────────────────────────────────────────────────────────

type WithImages = Partial<Pick<FlowRequest, "base64Array" | (typeof SINGLE)[number]>> &
  Pick<ActionRequest, "modal" | "then"> &
  ModalInput;

const SINGLE = ["sourceBase64", "targetBase64", "image", "endImage"] as const;

/** Returns a copy of the request, and the places of all its images in the copy. */
function slotsOf<T extends WithImages>(sent: T): { request: T; slots: Slot[] } {
  const slots: Slot[] = [];
  const add = (field: string, value: string | undefined, isMask: boolean, set: Slot["set"]) => {
    if (value !== undefined) slots.push({ field, value, isMask, set });
  };
  const withModal = <Node extends Pick<PlanInput, "modal">>(node: Node, at: string): Node => {
    const { modal } = node;
    if (modal?.maskBase64 === undefined) return node;
    const copy = { ...modal };
    add(`${at}modal.maskBase64`, modal.maskBase64, true, (value) => {
      copy.maskBase64 = value;
    });
    return { ...node, modal: copy };
  };
  const planOf = (plan: readonly PlanInput[], at: string): PlanInput[] =>
    plan.map((node, i) => {
      const { then, ...rest } = withModal(node, `${at}[${i}].`);
      return then ? { ...rest, then: planOf(then, `${at}[${i}].then`) } : rest;
    });
  const request: T = { ...withModal(sent, "") };
  if (sent.base64Array) {
    const copy = [...sent.base64Array];
    request.base64Array = copy;
    for (const [i, value] of copy.entries())
      add(`base64Array[${i}]`, value, false, (next) => {
        copy[i] = next;
      });
  }
  for (const field of SINGLE)
    add(field, sent[field], false, (value) => {
      request[field] = value;
    });
  add("maskBase64", sent.maskBase64, true, (value) => {
    request.maskBase64 = value;
  });
  if (sent.then) request.then = planOf(sent.then, "then");
  return { request, slots };
}
