/** Validates values with the request schemas. Only this file calls a schema, so every issue has one of our texts. */
import * as z from "zod/mini";
import { issueText } from "./issue-text.ts";
import { invalid } from "./problem.ts";

// Set with the first code that validates. A start of the API without such a request needs no zod.
z.config({ customError: issueText });

/**
 * Returns the value as the schema has read it.
 *
 * @param rename changes an issue before it becomes an error, for example to the name that the app has sent. Unset: no change
 * @throws MjflowError `invalid_request` if the value does not match
 */
export function validate<T>(
  schema: z.ZodMiniType<T>,
  value: unknown,
  rename: (issue: z.core.$ZodIssue) => z.core.$ZodIssue = (issue) => issue,
): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error.issues.map(rename));
  return parsed.data;
}
