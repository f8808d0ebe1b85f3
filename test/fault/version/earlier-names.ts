/**
 * Gives a frozen version its dependencies under the names that the version was written with. Only names of TypeScript
 * members differ: rows, queue messages and callback tokens are the same in both versions, which is what the tests prove.
 */
import type { Delivery, DeliveryKey } from "@mjflow/core/delivery";
import type { Provider, SubmitOutcome, Vendor, WebhookStore } from "@mjflow/core/port";
import type { EngineDeps } from "@mjflow/engine/deps";
import type { ImageSemaphore } from "@mjflow/engine/image-semaphore";
import type { Subscriptions } from "@mjflow/engine/subscriptions";
import type { Version } from "../../sim/simulation.ts";

type Deps = Partial<
  EngineDeps & {
    webhookStore: WebhookStore;
    subscriptions: Subscriptions;
    banned: { assertAllowed: unknown };
    imageSemaphore: ImageSemaphore;
  }
>;
type Step = (deps: Deps, ...rest: unknown[]) => unknown;
type Code = Version["code"];

/** The functions of a frozen version that take dependencies; `createHooks` and `consume` take none of ours. */
const STEPS = [
  "createFlow",
  "receive",
  "submit",
  "taken",
  "work",
  "tell",
  "deliver",
  "archive",
  "sweep",
  "bury",
  "createAccounts",
] as const satisfies readonly (keyof Code)[];

export function withEarlierNames(frozen: Code): Code {
  const steps = STEPS.map((name) => {
    const step = frozen[name] as Step;
    return [name, (deps: Deps, ...rest: unknown[]) => step(earlierDeps(deps), ...rest)];
  });
  const consume = frozen.consume as unknown as (event: unknown, handle: unknown, options: object) => unknown;
  return {
    ...frozen,
    ...Object.fromEntries(steps),
    // Versions before chains were limited do not count them.
    continueChain: <T>(deps: T) => deps,
    consume: (event: unknown, handle: unknown, options: { onUnreadable?: unknown }) =>
      consume(event, handle, { ...options, onPoison: options.onUnreadable }),
  } as Code;
}

function earlierDeps(deps: Deps): Deps {
  const { callbackTokens, webhookStore, subscriptions, banned, providers, imageSemaphore } = deps;
  return {
    ...deps,
    ...(callbackTokens && { hooks: callbackTokens }),
    ...(webhookStore && { hookStore: earlierWebhookStore(webhookStore) }),
    ...(subscriptions && { listeners: { hears: subscriptions.eventMask } }),
    ...(banned && { banned: { ...banned, refuse: banned.assertAllowed } }),
    ...(imageSemaphore && { imageRoom: { enter: imageSemaphore.tryAcquire, leave: imageSemaphore.release } }),
    ...(providers && {
      providers: {
        ...providers,
        fresh: providers.refresh,
        get: (id: string) => {
          const vendor = providers.get(id);
          return vendor && earlierVendor(vendor);
        },
      },
    }),
  } as Deps;
}

function earlierVendor(vendor: Vendor): Vendor {
  const { provider } = vendor;
  const earlier = {
    ...provider,
    abilities: provider.capabilities,
    submit: async (...call: Parameters<Provider["submit"]>) => earlierOutcome(await provider.submit(...call)),
    press: async (...call: Parameters<Provider["press"]>) => earlierOutcome(await provider.press(...call)),
    modal: async (...call: Parameters<Provider["modal"]>) => earlierOutcome(await provider.modal(...call)),
  } as unknown as Provider;
  return { ...vendor, provider: earlier };
}

const earlierOutcome = (outcome: SubmitOutcome) =>
  (outcome.kind === "modal" ? { ...outcome, kind: "window" } : outcome) as SubmitOutcome;

type EarlierDelivery = Omit<Delivery, "subject"> & { place: string };

const earlierDelivery = ({ subject, ...rest }: Delivery): EarlierDelivery => ({ ...rest, place: subject });
const currentDelivery = ({ place, ...rest }: EarlierDelivery): Delivery => ({ ...rest, subject: place }) as Delivery;

function earlierWebhookStore(store: WebhookStore) {
  return {
    ...store,
    async deliveriesOf(flowId: string, place?: DeliveryKey["subject"]) {
      return (await store.deliveriesOf(flowId, place)).map(earlierDelivery);
    },
    async delivery(id: string) {
      const found = await store.delivery(id);
      return found && earlierDelivery(found);
    },
    async saveDelivery(delivery: EarlierDelivery) {
      const saved = await store.saveDelivery(currentDelivery(delivery));
      if (saved.ok) return { ...saved, item: earlierDelivery(saved.item) };
      return { ...saved, current: saved.current && earlierDelivery(saved.current) };
    },
  };
}
