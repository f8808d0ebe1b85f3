/** An event bus, for rules of one's own: made where `MJFLOW_BUS=on` asks for it. */
import { setting } from "./setting.ts";

const bus = setting.bus ? new sst.aws.Bus("Bus") : undefined;

/** By its name the API knows that someone listens, and the deliver function where to put events. */
export const busEnvironment = bus && { MJFLOW_BUS: bus.name };

export const busPut = bus ? [{ actions: ["events:PutEvents"], resources: [bus.arn] }] : [];
