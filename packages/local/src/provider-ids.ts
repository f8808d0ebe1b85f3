/** The providers of the local server: those that mjflow has and that the simulator can play. */
import { KNOWN_PROVIDER_IDS as KNOWN } from "@mjflow/providers/families/index";
import { type ProviderId, PROVIDER_IDS as SIMULATED } from "@mjflow/simulator/server";

export const LOCAL_PROVIDER_IDS: readonly ProviderId[] = SIMULATED.filter((id) => KNOWN.includes(id));
