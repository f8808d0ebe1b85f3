import { describe, expect, test } from "vitest";
import { ItemError } from "./codec.ts";
import { type Description, entity } from "./entity.ts";

interface Note {
  id: string;
  rev: number;
  text: string;
  size: number;
  tags?: string[];
}

const key = ({ id }: { id: string }) => ({ pk: "notes", sk: id });
const idOf = ({ sk }: { sk: string }) => ({ id: sk });
const fields = { text: ["te", "text"], size: ["si", "count"], tags: ["ta", "json"] } as const;
const NOTE = entity<Note, "id">()({ key, idOf, fields });

describe("the compiler rejects a description", () => {
  const describeNote = entity<Note, "id">();

  test("that lacks a field, stores one as another type, or stores two in one attribute", () => {
    const { tags: _, ...some } = fields;
    // @ts-expect-error the tags would be lost
    describeNote({ key, idOf, fields: some });
    // @ts-expect-error a number would be read as text
    describeNote({ key, idOf, fields: { ...fields, size: ["si", "text"] } });
    // @ts-expect-error one field would be read as the other
    describeNote({ key, idOf, fields: { ...fields, tags: ["te", "json"] } });
    const shown: Description<Note, "id", never, typeof fields> = { key, idOf, fields };
    expect(shown.fields).toBe(fields);
  });
});

test("a value is frozen, and one row is decoded once", () => {
  const item = NOTE.toItem({ id: "a", rev: 1, text: "t", size: 0 });
  expect(item).not.toHaveProperty("si");
  const note = NOTE.ofItem(item);
  expect(note).toEqual({ id: "a", rev: 1, text: "t", size: 0 });
  expect(NOTE.ofItem(item)).toBe(note);
  expect(Object.isFrozen(note)).toBe(true);
});

test("a changed value keeps the attributes of newer code", () => {
  const newer = { ...NOTE.toItem({ id: "a", rev: 1, text: "t", size: 0 }), colour: { S: "red" } };
  const { colour, te } = NOTE.toItem({ ...NOTE.ofItem(newer), text: "u" });
  expect({ colour, te }).toEqual({ colour: { S: "red" }, te: { S: "u" } });
});

test("a row of a newer schema version is refused", () => {
  const item = NOTE.toItem({ id: "a", rev: 1, text: "t", size: 0 });
  expect(() => NOTE.ofItem({ ...item, v: { N: "2" } })).toThrow(ItemError);
});

test("a row of an earlier version gets the default of a field that it lacks", () => {
  const earlier = entity<Note, "id">()({ key, idOf, fields, defaults: { tags: [] } });
  expect(earlier.ofItem(NOTE.toItem({ id: "a", rev: 1, text: "t", size: 0 })).tags).toEqual([]);
});
