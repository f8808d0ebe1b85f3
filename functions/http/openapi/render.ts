/**
 * Renders the API reference in its three formats, each once per process. This file is loaded with the first request for
 * one.
 */
import { createHash } from "node:crypto";
import document from "../../../docs/openapi.json" with { type: "json" };
import { readApiDocument } from "./document-model.ts";
import { pageOf } from "./page.ts";
import type { Json } from "./schema.ts";
import { STYLE } from "./style.ts";
import { textOf } from "./text.ts";

export type DocumentFormat = "json" | "page" | "text";

export interface Page {
  body: string;
  type: string;
  etag: string;
  /** The Content-Security-Policy. */
  policy: string;
}

const renderCache = new Map<DocumentFormat, Page>();

export function renderDocument(format: DocumentFormat): Page {
  const page = renderCache.get(format) ?? renderFormat(format);
  renderCache.set(format, page);
  return page;
}

function renderFormat(format: DocumentFormat): Page {
  const description = document as unknown as Json;
  const [body, type] = {
    json: () => [JSON.stringify(description), "application/json"] as const,
    page: () => [pageOf(readApiDocument(description), STYLE), "text/html; charset=utf-8"] as const,
    text: () => [textOf(readApiDocument(description)), "text/plain; charset=utf-8"] as const,
  }[format]();
  const style = format === "page" ? `style-src 'sha256-${sha256(STYLE, "base64")}'; ` : "";
  const policy = `default-src 'none'; ${style}base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return { body, type, etag: `"${sha256(body, "base64url")}"`, policy };
}

function sha256(text: string, encoding: "base64" | "base64url"): string {
  return createHash("sha256").update(text).digest(encoding);
}
