/** JSON text as people read it. */

/** Indents JSON. Text that is not JSON is returned unchanged. */
export function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
