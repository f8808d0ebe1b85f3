/**
 * A provider is a family plus a form. A family is a protocol with its own readers of submit responses, look-ups and callbacks. A
 * form is one vendor: what it can do, and how it differs from other vendors of its family. The family `mjproxy` has many forms,
 * the dialects in `vendors/`. The other families have one each, in `families/<id>/`, and their code is loaded on demand.
 */
import type { Provider, ProviderCapabilities } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import type { HttpClient } from "./http-client.ts";

export interface ProviderDeps {
  httpClient: HttpClient;
  submitTimeoutMs?: number;
  lookupTimeoutMs?: number;
}

/** One vendor of a family whose code is loaded on demand. It has what is needed before the first call, and is in every bundle. */
export interface Form {
  /** Id of the provider. */
  id: string;
  title: string;
  capabilities: ProviderCapabilities;
  /**
   * Parts of the vendor's API that no document and no measurement confirms, by name, with what the vendor can do with each. Off
   * unless the configuration of the provider names it in `unproven`.
   */
  unproven: Readonly<Record<string, Partial<ProviderCapabilities>>>;
  load(): Promise<{ connect: Connect }>;
}

/** A vendor in words, for the generated tables. Nothing else imports it. */
export interface About {
  /** Sources of the facts in this folder. */
  sources: readonly string[];
  wire: {
    /** Path before the routes. */
    paths: string;
    /** Header that carries the API key. */
    key: string;
    /** Where the mode is sent. */
    mode: string;
    /** How a press names its button. */
    presses: string;
  };
  /** What is not certain about each name of `Form.unproven`. */
  unproven: Readonly<Record<string, string>>;
}

/** The calls of a provider. They load no code. */
export type Calls = Omit<Provider, "id" | "title" | "capabilities">;

/** @param unproven names of `Form.unproven` that are on */
export type Connect = (deps: ProviderDeps, unproven: ReadonlySet<string>) => Calls;

/** Parses a callback body of a family. Returns undefined if the body is not a task object. */
export interface FamilyReader {
  readCallback(body: string, baseUrl?: string): Report | undefined;
}
