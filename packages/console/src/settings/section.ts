/** Sections of the settings that need the operator key. */
export const OPERATOR_SECTIONS: ReadonlySet<string> = new Set(["vendors", "apps", "banned"]);
