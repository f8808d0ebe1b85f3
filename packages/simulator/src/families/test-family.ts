/** HTTP client for tests of the families: plain requests with the key of the family. */
import type { Fields } from "../json.ts";
import type { FamilyId, Simulator } from "../server.ts";

export interface FamilyResponse {
  status: number;
  contentType: string | null;
  text: string;
  json: Fields;
}

export type FamilyClient = ReturnType<typeof familyClient>;

export function familyClient(simulator: Simulator, family: FamilyId, header: string) {
  async function call(method: string, path: string, body?: Fields, headers: Fields = {}): Promise<FamilyResponse> {
    const key = header === "authorization" ? "Bearer any-key" : "any-key";
    const response = await fetch(`${simulator.baseUrl(family)}${path}`, {
      method,
      headers: { [header]: key, "content-type": "application/json", ...(headers as Record<string, string>) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /^[[{]/u.test(text);
    return {
      status: response.status,
      contentType: response.headers.get("content-type"),
      text,
      json: isJson ? (JSON.parse(text) as Fields) : {},
    };
  }
  return {
    call,
    get: (path: string) => call("GET", path),
    post: (path: string, body: Fields, headers: Fields = {}) => call("POST", path, body, headers),
  };
}
