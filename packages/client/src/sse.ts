/** Parser for server-sent events (HTML standard, 9.2.6). Pure: it takes pieces of text and returns messages. */

export interface Message {
  event: string;
  data: string;
  /** Id of the message; unset if this message has none. */
  id?: string;
}

/**
 * Largest message in characters. The limit bounds the memory for a stream without line ends or an event without an end.
 */
export const MESSAGE_MAX_CHARS = 4 * 1024 * 1024;

/** @throws RangeError if a message is larger than MESSAGE_MAX_CHARS */
export function createParser(): (piece: string) => Message[] {
  let line = "";
  let size = 0;
  let first = true;
  let afterCr = false;
  let message: { event: string; data: string[]; id?: string } = { event: "", data: [] };

  function endLine(): Message | undefined {
    const text = line;
    line = "";
    if (text === "") {
      const { event, data, id } = message;
      message = { event: "", data: [] };
      size = 0;
      if (data.length === 0) return undefined;
      return { event: event || "message", data: data.join("\n"), ...(id !== undefined && { id }) };
    }
    const colon = text.indexOf(":");
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (name === "data") message.data.push(value);
    else if (name === "event") message.event = value;
    else if (name === "id" && !value.includes("\0")) message.id = value;
    return undefined;
  }

  return (piece) => {
    const messages: Message[] = [];
    let rest = piece;
    if (first && rest !== "") {
      first = false;
      if (rest.startsWith("\uFEFF")) rest = rest.slice(1);
    }
    // CR and LF of one line end may come in two pieces.
    if (afterCr && rest.startsWith("\n")) rest = rest.slice(1);
    if (piece !== "") afterCr = rest === "" ? false : rest.endsWith("\r");
    const lines = rest.split(/\r\n|\r|\n/);
    for (const [i, part] of lines.entries()) {
      size += part.length;
      if (size > MESSAGE_MAX_CHARS) throw new RangeError("An event of the stream is too large.");
      line += part;
      if (i === lines.length - 1) break;
      const done = endLine();
      if (done) messages.push(done);
    }
    return messages;
  };
}
