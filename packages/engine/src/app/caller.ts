/** Who sent a request: the operator or an app, with its limits and the defaults of its flows. */
import type { App, Limits } from "@mjflow/core/app";
import type { ArchiveMode } from "@mjflow/core/archive-mode";

export interface Caller {
  appId: string;
  /** True for the operator key, which may use the routes of the operator. */
  operator: boolean;
  /** Id of the API key. Unset: the operator key, or a session. */
  keyId?: string;
  /** Id of the session that stands for the key. Unset: the caller sent the key itself. */
  session?: string;
  limits?: Limits;
  /** The app's default for archiving. Unset: the deployment's. */
  archive?: ArchiveMode;
  /** The app's default for translations. Unset: prompts are not translated. */
  translate?: boolean;
}

/** An operator key from the configuration of the deployment. */
export interface OperatorKey {
  appId: string;
  sha256: Buffer;
}

export function callerOfApp({ id, limits, archive, translate }: App): Caller {
  return {
    appId: id,
    operator: false,
    ...(limits && { limits }),
    ...(archive !== undefined && { archive }),
    ...(translate && { translate: true }),
  };
}
