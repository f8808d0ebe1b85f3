/** A ZIP file of images. They are compressed already, so the file only stores them (APPNOTE.TXT 6.3.10, method 0). Pure. */
export interface ZipEntry {
  name: string;
  bytes: Uint8Array;
}

/** Sizes of the records without their names, bytes. */
const LOCAL = 30;
const CENTRAL = 46;
const END = 22;
/** 1980-01-01: the format has no earlier date, and the time of a download says nothing. */
const DATE = 0x21;
/** The name is UTF-8. */
const UTF8 = 0x800;

/** Returns the file in parts, for a Blob. Two entries with the same name get numbers. */
export function zipOf(entries: readonly ZipEntry[]): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, bytes } of withUniqueNames(entries)) {
    const text = new TextEncoder().encode(name);
    const common = [20, UTF8, 0, 0, DATE] as const;
    const [crc, size] = [crc32(bytes), bytes.length];
    const local = record(LOCAL, text, (view) => {
      view.setUint32(0, 0x04034b50, true);
      set16(view, 4, common);
      set32(view, 14, [crc, size, size]);
      view.setUint16(26, text.length, true);
    });
    const start = offset;
    directory.push(
      record(CENTRAL, text, (view) => {
        view.setUint32(0, 0x02014b50, true);
        view.setUint16(4, 20, true);
        set16(view, 6, common);
        set32(view, 16, [crc, size, size]);
        view.setUint16(28, text.length, true);
        view.setUint32(42, start, true);
      }),
    );
    parts.push(local, bytes as Uint8Array<ArrayBuffer>);
    offset += local.length + size;
  }
  const length = directory.reduce((sum, each) => sum + each.length, 0);
  const end = record(END, new Uint8Array(), (view) => {
    view.setUint32(0, 0x06054b50, true);
    view.setUint16(8, entries.length, true);
    view.setUint16(10, entries.length, true);
    view.setUint32(12, length, true);
    view.setUint32(16, offset, true);
  });
  return [...parts, ...directory, end];
}

function record(size: number, name: Uint8Array, fill: (view: DataView) => void): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size + name.length);
  fill(new DataView(bytes.buffer));
  bytes.set(name, size);
  return bytes;
}

function set16(view: DataView, from: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) view.setUint16(from + 2 * i, value, true);
}

function set32(view: DataView, from: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) view.setUint32(from + 4 * i, value, true);
}

function withUniqueNames(entries: readonly ZipEntry[]): ZipEntry[] {
  const seen = new Map<string, number>();
  return entries.map(({ name, bytes }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { bytes, name: count === 1 ? name : name.replace(/(\.\w+)?$/, (end) => `-${count}${end}`) };
  });
}

let table: Uint32Array | undefined;

/** CRC-32 of ISO 3309, as ZIP uses it. */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
