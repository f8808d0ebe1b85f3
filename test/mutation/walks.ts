/** Core's tests that take seconds. */
export const WALKS = ["packages/core/src/state.explore.test.ts", "packages/core/src/state.property.test.ts"];
