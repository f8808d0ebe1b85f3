/** Tests of core that take seconds. */
export const SLOW_TESTS = ["packages/core/src/state.explore.test.ts", "packages/core/src/state.property.test.ts"];
