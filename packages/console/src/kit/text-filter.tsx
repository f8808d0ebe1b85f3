/** A text field whose value is in the address. It writes the address when the user pauses, not at every key. */
import { type InputHTMLAttributes, useEffect, useRef, useState } from "react";

const PAUSE_MS = 200;

interface TextFilterProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> {
  value: string;
  onChange(value: string): void;
}

export function TextFilter({ value, onChange, ...rest }: TextFilterProps) {
  const [text, setText] = useState(value);
  const written = useRef(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  // Back, or a link, changes the address. Our own write is known already.
  useEffect(() => {
    if (value !== written.current) setText(value);
    written.current = value;
  }, [value]);
  useEffect(() => {
    if (text === written.current) return;
    const timer = setTimeout(() => {
      written.current = text;
      latest.current(text);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return <input {...rest} value={text} onChange={(event) => setText(event.target.value)} />;
}
