/** A prompt: its words, and its parameters as tags, so that the words are read first. */
import { promptParts } from "../lib/parameter.ts";

export function PromptText({ prompt }: { prompt: string }) {
  const { words, parameters } = promptParts(prompt);
  return (
    <>
      {words}
      {parameters.map((parameter) => (
        <span key={parameter}>
          {" "}
          <span className="tag">{parameter}</span>
        </span>
      ))}
    </>
  );
}
