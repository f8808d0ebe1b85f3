/** Links to archived images, and where apps reach the API. */
import { createMediaLinks } from "@mjflow/engine/media-link";
import { Resource } from "sst/resource";
import { activeKeys } from "./base.ts";

const env = process.env;

export const vaultKeys = () => activeKeys(Resource.VaultKey.value, Resource.PreviousVaultKey.value);

/** Links to archived images. Anyone who has a link can use it. */
export function mediaLinks(baseUrl: string) {
  return createMediaLinks({ keys: vaultKeys(), baseUrl });
}

/** Base URL where apps reach the API. Unset: the URL of the API function. */
export const apiUrl = () => env["MJFLOW_API_URL"] || undefined;

/** URL of the console, or its path at the host of the API. Unset: there is none. */
export const consoleUrl = () => env["MJFLOW_CONSOLE_URL"] || undefined;
