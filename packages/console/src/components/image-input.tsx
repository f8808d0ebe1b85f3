import { useState } from "react";

/** The request's limit is 6 MB in all, and base64 is a third longer. */
const MAX_BYTES = 4_000_000;

export function ImageInput(props: { max: number; images: string[]; onChange: (images: string[]) => void }) {
  const { max, images, onChange } = props;
  const [problem, setProblem] = useState("");
  async function add(files: FileList | null) {
    const chosen = [...(files ?? [])].slice(0, max - images.length);
    const total = chosen.reduce((sum, { size }) => sum + size, 0) + images.join("").length * 0.75;
    if (total > MAX_BYTES)
      return setProblem("Together at most 4 MB; larger ones are better given as links, by the API.");
    setProblem("");
    onChange([...images, ...(await Promise.all(chosen.map(dataUri)))]);
  }
  return (
    <div>
      <label>
        <span>
          Pictures <span className="faint small">at most {max}</span>
        </span>
        <input
          type="file"
          accept="image/*"
          multiple={max > 1}
          disabled={images.length >= max}
          onChange={(event) => {
            void add(event.target.files);
            event.target.value = "";
          }}
        />
      </label>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {images.length > 0 && (
        <ul className="chosen">
          {images.map((image, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same picture may be chosen twice
            <li key={i}>
              <img src={image} alt={`Chosen ${i + 1}`} />
              <button type="button" className="quiet" onClick={() => onChange(images.filter((_, at) => at !== i))}>
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function dataUri(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
