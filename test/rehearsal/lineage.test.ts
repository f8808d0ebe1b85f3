import { expect, test } from "vitest";
import { nextInvocation } from "./lineage.ts";

test("a chain counts the invocations of each function, and Lambda drops the 17th of one", () => {
  let { trace, hops } = nextInvocation("Submit");
  expect(hops).toBe(1);
  for (let hop = 2; hop <= 16; hop++) {
    const next = nextInvocation("Submit", [trace]);
    expect(next).toMatchObject({ hops: hop, isDropped: false });
    trace = next.trace;
  }
  expect(nextInvocation("Submit", [trace])).toMatchObject({ hops: 17, isDropped: true });
  expect(nextInvocation("Deliver", [trace])).toMatchObject({ hops: 1, isDropped: false });
});

test("a batch has the highest count of its messages, and a message without a header counts as the first", () => {
  const twice = nextInvocation("Archive", [nextInvocation("Archive").trace]).trace;
  expect(nextInvocation("Archive", [undefined, twice, nextInvocation("Archive").trace]).hops).toBe(3);
  expect(nextInvocation("Archive", [undefined]).hops).toBe(1);
});
