import { expect, it } from "vitest";
import { CHOICES, type ChoiceName, checkedChoice } from "./setting.ts";

const NAMES = Object.keys(CHOICES) as ChoiceName[];

it.each(NAMES)("%s has one of its values, or is unset", (name) => {
  for (const value of CHOICES[name]) expect(checkedChoice({ [name]: value }, name)).toBe(value);
  expect(checkedChoice({}, name)).toBeUndefined();
  expect(checkedChoice({ [name]: "" }, name)).toBeUndefined();
});

it.each(NAMES)("another value of %s is an error that lists the values and not the wrong one", (name) => {
  const wrong = CHOICES[name][0].toUpperCase();
  const message = `${name} must be one of ${CHOICES[name].join(", ")}`;
  expect(() => checkedChoice({ [name]: wrong }, name)).toThrow(new Error(message));
});
