/**
 * Scales one upload down, for a vendor that takes no links. The API calls it and waits. It is a function of its own for two reasons:
 * an image that an app sent is decoded where there are no secrets and no rows, and the API needs neither the library nor the memory.
 */
import type { ReducedImage, UploadVersion } from "@mjflow/core/port";
import { MEDIA_ERRORS, MediaError, type MediaErrorCode } from "@mjflow/media/error";
import { composeReduce } from "./composition/reduce.ts";

/** The upload. */
export type ReduceEvent = Partial<UploadVersion>;

/** An error is a result too, because Lambda would pass on only its text. */
export type ReduceResult = { reduced: ReducedImage } | { error: { code: MediaErrorCode; detail: string } };

const UPLOAD_KEY = /^uploads\/[\w-]+\/upload_\w{26}$/;

export async function handler({ key = "", etag = "" }: ReduceEvent): Promise<ReduceResult> {
  const { reduce, log } = composeReduce();
  try {
    if (!UPLOAD_KEY.test(key)) throw new MediaError("gone", "not an upload");
    return { reduced: await reduce({ key, etag }) };
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    const { code, message } = error;
    log.info("upload.not-reduced", { key, code, error: message });
    return { error: { code, detail: message.slice(`${MEDIA_ERRORS[code].message}: `.length) } };
  } finally {
    log.flush();
  }
}
