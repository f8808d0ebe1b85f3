/** The translator of prompts. */
import type { Translator } from "@mjflow/core/port";
import { createOutbound } from "@mjflow/webhooks/outbound";
import { createUrlGuard } from "@mjflow/webhooks/url-guard";
import { Resource } from "sst/resource";
import { lazy, lazyAsync } from "./base.ts";
import { allow } from "./outgoing.ts";

const env = process.env;

/**
 * The operator names the URL, so it may be a private one, such as a model on the same machine. It is an exception from the URL
 * guard of this client alone: apps cannot send webhooks there. A public host name has no exception.
 */
function allowOf(url: string): string[] {
  return createUrlGuard({ allow }).check(url).ok ? [...allow] : [...allow, new URL(url).origin];
}

/** Unset without `MJFLOW_TRANSLATE_URL`. Its code is loaded with the first translation. */
export const translator = /* @__PURE__ */ lazy((): Translator | undefined => {
  const [baseUrl, model] = [env["MJFLOW_TRANSLATE_URL"], env["MJFLOW_TRANSLATE_MODEL"]];
  if (!baseUrl || !model) return undefined;
  const load = lazyAsync(async () => {
    const { createChatTranslator } = await import("@mjflow/providers/chat-translator");
    const outbound = createOutbound({ allow: allowOf(baseUrl) });
    return createChatTranslator({ baseUrl, model, apiKey: Resource.TranslateKey.value, outbound });
  });
  return { translate: async (texts, options) => (await load()).translate(texts, options) };
});
