/** The uploads that apps have announced (`UploadCounts` in core/port.ts): one row per app and hour. */
import type { UploadCounts } from "@mjflow/core/port";
import { UPLOAD } from "@mjflow/core/upload";
import { ATTRIBUTE, uploadCountKey } from "./keys.ts";
import { createPlainRows, type PlainFields } from "./plain-row.ts";
import type { Table } from "./table.ts";

const FIELDS = {
  bytes: ["by", "integer"],
  uploads: ["n", "integer"],
  expiresAt: [ATTRIBUTE.expiresAt, "integer"],
} as const satisfies PlainFields;

/** An upload costs one write unit. So does a refusal. */
export function createUploadCounts(table: Table): UploadCounts {
  const rows = createPlainRows(table, FIELDS);
  return {
    async add(appId, startedAt, bytes, most) {
      const atMost = (at: "bytes" | "uploads", value: number) =>
        ({
          anyOf: [
            { at, is: "absent" },
            { at, atMost: value },
          ],
        }) as const;
      const { ok } = await rows.update(uploadCountKey(appId, startedAt), {
        add: { bytes, uploads: 1 },
        set: { expiresAt: Math.ceil((startedAt + 2 * UPLOAD.hourMs) / 1_000) },
        when: [atMost("bytes", most.bytes - bytes), atMost("uploads", most.uploads - 1)],
        repeatable: "an upload that is counted twice leaves less room in its hour",
      });
      return ok;
    },
  };
}
