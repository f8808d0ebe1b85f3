/** The event bus for rules of the operator. It exists only if `MJFLOW_BUS=on`. */
import { setting } from "./setting.ts";

const bus = setting.bus ? new sst.aws.Bus("Bus") : undefined;

/** The name tells the API that the bus is a subscriber, and tells the deliver function where to put events. */
export const busEnvironment = bus && { MJFLOW_BUS: bus.name };

export const busPut = bus ? [{ actions: ["events:PutEvents"], resources: [bus.arn] }] : [];
