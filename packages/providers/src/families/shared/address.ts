/**
 * The address of a callback with our reference. A vendor that has no field for a reference shows the address with its tasks. So a
 * lost submission can be found in the vendor's list. The receiver ignores the query.
 */
const NAME = "ref";

export function addressWithRef(notifyHook: string, state: string): string {
  return `${notifyHook}${notifyHook.includes("?") ? "&" : "?"}${NAME}=${encodeURIComponent(state)}`;
}

/** Returns the reference of an address that a vendor shows; undefined for an address that mjflow did not make. */
export function refOf(address: unknown): string | undefined {
  if (typeof address !== "string") return undefined;
  return URL.parse(address)?.searchParams.get(NAME) ?? undefined;
}
