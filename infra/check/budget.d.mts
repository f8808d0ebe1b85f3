export const BUDGET_KB: Readonly<Record<string, number>>;
export const BUDGET_MODULES: Readonly<Record<string, number>>;
