/**
 * Translates the prompts of a request before anything of it is stored or paid. If a translation fails twice, the request is
 * rejected: the app decides whether it sends the original prompt. The translation comes from outside, so it is checked like a
 * prompt of an app (core/translation.ts).
 */
import { type Prompt, promptsIn } from "@mjflow/core/banned";
import { MjflowError } from "@mjflow/core/error";
import { TRANSLATION } from "@mjflow/core/limit";
import type { ModalAnswer, Press } from "@mjflow/core/plan";
import type { Clock, Log, Translator } from "@mjflow/core/port";
import { expandPermutations } from "@mjflow/core/prompt";
import type { ActionRequest, FlowRequest } from "@mjflow/core/request";
import {
  joinTranslations,
  type PromptPart,
  promptParts,
  textsIn,
  translatedModal,
  translatedPlan,
} from "@mjflow/core/translation";
import { inParallel } from "../parallel.ts";
import type { BannedWordsCheck } from "./banned.ts";

export interface TranslateDeps {
  /** Unset: this deployment cannot translate. */
  translator?: Translator | undefined;
  /** Set for flows that one request creates: equal prompts are translated once, and all of them within one time. */
  sharedTranslations?: SharedTranslations;
  banned: Pick<BannedWordsCheck, "assertAllowed">;
  clock: Clock;
  log: Log;
}

export interface SharedTranslations {
  /** Epoch ms. */
  endsAt: number;
  /** By prompt; undefined: no try had a usable result. */
  known: Map<string, Promise<string | undefined>>;
}

/** The translation of each prompt that has one. A prompt without words, and one that stays as it is, has none. */
type Translations = ReadonlyMap<string, string>;

/** One of the prompts that a prompt with groups in braces stands for. Then the whole prompt is translated, once for all of them. */
export interface Permutation {
  prompt: string;
  /** Number of the prompt, from 0. */
  at: number;
}

/**
 * Translates the prompts of a flow: that of its root, and those of its plan.
 *
 * @returns `prompt` and `originalPrompt` are unset if the prompt of the root stays as it is
 * @throws MjflowError the errors of `translatePrompts`; `banned_prompt` if a translation has a banned word
 */
export async function translateFlow(
  deps: TranslateDeps,
  request: FlowRequest,
  then: readonly Press[],
  { permutation, translations: earlier }: { permutation?: Permutation; translations?: Translations } = {},
): Promise<{ prompt?: string; originalPrompt?: string; then: Press[] }> {
  const { prompt: sent = "" } = request;
  const own = promptsIn(request);
  const whole = permutation ? promptsIn({ ...request, prompt: permutation.prompt }) : own;
  const translations = new Map(await translatePrompts(deps, whole, earlier));
  const expanded = permutation && translations.get(permutation.prompt);
  if (expanded !== undefined) translations.set(sent, expandPermutations(expanded)[permutation!.at]!);
  await assertTranslationsAllowed(deps, own, translations);
  const prompt = translations.get(sent);
  return {
    ...(prompt !== undefined && prompt !== sent && { prompt, originalPrompt: sent }),
    then: translatedPlan(then, translations),
  };
}

/** Replaces the prompts of a press by their translations. */
export type TranslatePress = <T extends { modal: ModalAnswer | undefined; then: Press[] | undefined }>(stored: T) => T;

/**
 * Translates the prompts of a press or of a modal answer.
 *
 * @param earlier translations that are known already
 * @throws MjflowError the errors of `translatePrompts`; `banned_prompt` if a translation has a banned word
 */
export async function translatePress(
  deps: TranslateDeps,
  request: Pick<ActionRequest, "prompt" | "modal" | "then">,
  earlier?: Translations,
): Promise<TranslatePress> {
  const prompts = promptsIn(request);
  const translations = await translatePrompts(deps, prompts, earlier);
  await assertTranslationsAllowed(deps, prompts, translations);
  return (stored) => ({
    ...stored,
    modal: translatedModal(stored.modal, translations),
    then: stored.then && translatedPlan(stored.then, translations),
  });
}

function assertTranslationsAllowed(
  { banned }: Pick<TranslateDeps, "banned">,
  prompts: readonly Prompt[],
  translations: Translations,
): Promise<void> {
  return banned.assertAllowed(prompts.map(({ field, text }) => ({ field, text: translations.get(text) ?? text })));
}

/**
 * @param earlier translations that are known already
 * @throws MjflowError `translation_unavailable` if a prompt has words and there is no translator; `translation_failed`;
 *   `invalid_request` with the field `translate` if there are too many prompts
 */
export async function translatePrompts(
  deps: TranslateDeps,
  prompts: readonly Prompt[],
  earlier: Translations = new Map(),
): Promise<Translations> {
  const { translator, sharedTranslations: shared, clock, log } = deps;
  const wanted = new Map<string, PromptPart[]>();
  const translations = new Map<string, string>();
  for (const { text } of prompts) {
    const known = earlier.get(text);
    if (known !== undefined) {
      if (known !== text) translations.set(text, known);
      continue;
    }
    const parts = promptParts(text);
    if (textsIn(parts).length > 0) wanted.set(text, parts);
  }
  if (wanted.size === 0) return translations;
  if (!translator) throw new MjflowError("translation_unavailable", { field: "translate" });
  if (wanted.size > TRANSLATION.prompts) {
    const detail = `translate: The request has ${wanted.size} different prompts. At most ${TRANSLATION.prompts} can be translated. Send fewer, or \`translate: false\`.`;
    throw new MjflowError("invalid_request", { field: "translate", detail });
  }
  const endsAt = Math.min(clock.now() + TRANSLATION.totalMs, shared?.endsAt ?? Number.POSITIVE_INFINITY);
  let hasFailed = false;
  // The flows of a batch are created in parallel, so each of them translates one prompt at a time.
  await inParallel([...wanted], shared ? 1 : TRANSLATION.parallel, async ([prompt, parts]) => {
    // The request is rejected anyway, so nothing more is paid for it.
    if (hasFailed) return;
    const result = shared?.known.get(prompt) ?? translateOne({ translator, clock, log }, parts, endsAt);
    shared?.known.set(prompt, result);
    const translated = await result;
    if (translated === undefined) {
      hasFailed = true;
      log.count("TranslationsFailed");
      throw new MjflowError("translation_failed", { field: prompts.find(({ text }) => text === prompt)?.field });
    }
    if (translated !== prompt) translations.set(prompt, translated);
  });
  return translations;
}

/** Returns the translated prompt; undefined if no try had a usable result in time. */
async function translateOne(
  { translator, clock, log }: Pick<TranslateDeps, "clock" | "log"> & { translator: Translator },
  parts: readonly PromptPart[],
  endsAt: number,
): Promise<string | undefined> {
  for (let tried = 1; tried <= TRANSLATION.tries; tried++) {
    const timeoutMs = Math.min(TRANSLATION.tryMs, endsAt - clock.now());
    if (timeoutMs <= 0) return undefined;
    try {
      const translated = joinTranslations(parts, await translator.translate(textsIn(parts), { timeoutMs }));
      if (translated !== undefined) return translated;
      log.warn("translation.unusable", { tried });
    } catch (error) {
      log.warn("translation.failed", { tried, error: String(error) });
    }
  }
  return undefined;
}
