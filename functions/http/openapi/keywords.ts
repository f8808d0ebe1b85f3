/**
 * Rules that request schemas check with code, as keywords of JSON Schema. Without them the document would allow requests that
 * get 400. They may be stricter than the code where the code also takes other forms of the same value, such as line
 * breaks in base64.
 */
import { CreditRequest, Usd } from "@mjflow/core/app-request";
import {
  ActionRequest,
  FolderRequest,
  HttpUrl,
  ImageText,
  MarkRequest,
  MaskText,
  ShareRequest,
} from "@mjflow/core/request";
import type { Schema } from "./route-description.ts";

const LINK = String.raw`https?://[^/?#@\\\s]+([/?#]\S*)?`;
const BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=?|[A-Za-z0-9+/]{2}(==)?)";
const DATA_URI = `data:image/[A-Za-z0-9_.+-]{1,100};base64,${BASE64}`;
const UPLOAD_ID = "upload_[0-9A-HJKMNP-TV-Z]{26}";

const MICRO_USD = { multipleOf: 0.000001 };

export const KEYWORDS: ReadonlyMap<Schema, Readonly<Record<string, unknown>>> = new Map<
  Schema,
  Readonly<Record<string, unknown>>
>([
  [HttpUrl, { pattern: `^${LINK}$` }],
  [ImageText, { pattern: `^(${DATA_URI}|${LINK}|${UPLOAD_ID})$` }],
  [MaskText, { pattern: `^(${DATA_URI}|${UPLOAD_ID})$` }],
  [Usd, MICRO_USD],
  [CreditRequest.shape.addUsd, MICRO_USD],
  // Generators of clients take `oneOf` beside `properties` for a union and lose the fields. They ignore `if`.
  [
    ActionRequest,
    { if: { required: ["press"] }, then: { not: { required: ["customId"] } }, else: { required: ["customId"] } },
  ],
  [FolderRequest.shape.name, { pattern: String.raw`\S` }],
  [
    MarkRequest,
    {
      if: { required: ["favorite"] },
      else: { if: { required: ["addToFolder"] }, else: { required: ["removeFromFolder"] } },
    },
  ],
  [
    ShareRequest,
    {
      if: { required: ["showsPrompt"], properties: { showsPrompt: { const: false } } },
      then: { properties: { showsVendorLinks: { const: false } } },
    },
  ],
]);
