/** A template: a plan that an app stores under a name. A flow that names it gets the plan as it is at that time. */
import type { PlanInput } from "./request.ts";

export interface Template {
  appId: string;
  name: string;
  /** Revision for the optimistic lock. The store increments it at each write. */
  rev: number;
  description?: string;
  then: PlanInput[];
  /** Times are epoch ms. */
  createdAt: number;
  updatedAt: number;
}

export const TEMPLATES_PER_APP = 100;

/** Names are part of a URL and of a row's key. */
export const TEMPLATE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;
