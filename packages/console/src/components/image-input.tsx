import { useState } from "react";

/** Limit of all images together. A request has at most 6 MB, and base64 adds a third. */
const MAX_BYTES = 4_000_000;

export function ImageInput(props: { max: number; images: string[]; onChange: (images: string[]) => void }) {
  const { max, images, onChange } = props;
  const [problem, setProblem] = useState("");
  async function add(files: FileList | null) {
    const chosen = [...(files ?? [])].slice(0, max - images.length);
    const total = chosen.reduce((sum, { size }) => sum + size, 0) + images.join("").length * 0.75;
    if (total > MAX_BYTES)
      return setProblem("The images must have at most 4 MB together. For larger images, use links with the API.");
    setProblem("");
    onChange([...images, ...(await Promise.all(chosen.map(dataUri)))]);
  }
  return (
    <div>
      <label>
        <span>
          Images <span className="faint small">at most {max}</span>
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
            // biome-ignore lint/suspicious/noArrayIndexKey: the same image may be chosen twice
            <li key={i}>
              <img src={image} alt={`Chosen file ${i + 1}`} />
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
