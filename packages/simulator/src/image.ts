/**
 * Generates an image from a name: layered hills under a colored sky. The same name always gives the same image, so an
 * upscale shows the same tile as its grid. A grid has four tiles. A preview shows the scene in coarse blocks. The image has the
 * aspect ratio of its prompt, and its shorter side is 512 pixels.
 */
import { PNG } from "pngjs";
import { seededRandom } from "./random.ts";

export interface ImageSpec {
  /** Names of the scenes: one fills the image, four make a grid. */
  scenes: readonly string[];
  /** Progress in percent: 100 is finished, a lower value is coarser. */
  percent: number;
  /** Width by height; unset: a square. */
  ratio?: number;
}

const SIZE = 512;
/** The longest image has 512 by 1,536 pixels, so that no prompt makes a huge one. */
const MAX_RATIO = 3;

/** Returns the aspect ratio that a prompt asks for; 1 if it asks for none. */
export function ratioOf(prompt: string | null): number {
  const [, width, height] = /(?:^|\s)--(?:ar|aspect)\s+(\d{1,4}):(\d{1,4})(?=\s|$)/u.exec(prompt ?? "") ?? [];
  const ratio = Number(width) / Number(height);
  return ratio > 0 && Number.isFinite(ratio) ? Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, ratio)) : 1;
}

export function renderPng({ scenes, percent, ratio = 1 }: ImageSpec): Buffer {
  // Even, so that the four tiles of a grid are equal.
  const long = (factor: number) => 2 * Math.round((SIZE * factor) / 2);
  const [width, height] = ratio >= 1 ? [long(ratio), SIZE] : [SIZE, long(1 / ratio)];
  const png = new PNG({ width, height, colorType: 2 });
  const parts = scenes.length > 1 ? 2 : 1;
  const box = { width: width / parts, height: height / parts };
  for (const [i, name] of scenes.entries()) {
    const at = { ...box, left: (i % 2) * box.width, top: Math.floor(i / 2) * box.height };
    drawScene(png, name, at, blockOf(percent));
  }
  // Level 4 with the Sub filter needs half the time of the default and makes gradients 10 % larger.
  return PNG.sync.write(png, { colorType: 2, inputHasAlpha: true, deflateLevel: 4, filterType: 1 });
}

type Color = readonly [r: number, g: number, b: number];

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Draws one scene into its part. Blocks of more than one pixel look like an unfinished image. */
function drawScene(png: PNG, name: string, box: Box, block: number): void {
  const { left, top, width, height } = box;
  // The shorter side is 1, so that the sun stays round.
  const side = Math.min(width, height);
  const [wide, high] = [width / side, height / side];
  const random = seededRandom(name);
  // The first part of a scene name comes from the prompt, so all images of a prompt share a color mood.
  const mood = seededRandom(name.split("/")[0] ?? name);
  const hue = 170 + mood.next() * 190 + random.next() * 40;
  const sky: [Color, Color] = [
    hsl(hue, 0.5, 0.26 + random.next() * 0.16),
    hsl(hue + 40 + random.next() * 45, 0.75, 0.76),
  ];
  const sun = {
    x: (0.2 + random.next() * 0.6) * wide,
    y: (0.22 + random.next() * 0.28) * high,
    r: 0.05 + random.next() * 0.07,
  };
  const glow = hsl(hue + 70, 0.95, 0.88);
  const hills = Array.from({ length: 4 }, (_, i) => ({
    base: 0.5 + i * 0.12 + random.next() * 0.04,
    height: 0.11 - i * 0.015,
    waves: [1.3 + random.next() * 1.6, 3 + random.next() * 3, 8 + random.next() * 6],
    phases: [random.next() * 6.3, random.next() * 6.3, random.next() * 6.3],
    color: hsl(hue + 25 - i * 16, 0.44, 0.44 - i * 0.095),
  }));

  for (let px = 0; px < width; px += block) {
    const x = (px + block / 2) / width;
    const tops = hills.map(
      ({ base, height: rise, waves, phases }) =>
        base -
        rise *
          (Math.sin(x * waves[0]! + phases[0]!) +
            0.4 * Math.sin(x * waves[1]! + phases[1]!) +
            0.12 * Math.sin(x * waves[2]! + phases[2]!)),
    );
    for (let py = 0; py < height; py += block) {
      const y = (py + block / 2) / height;
      const coverOf = (layer: number) => covered(tops[layer]!, y, block / height);
      const hillAt = (layer: number) => hillColor(hills[layer]!.color, sky[1], Math.max(0, y - tops[layer]!));
      // From the nearest hill that covers the whole block to the hills before it, whose edges may cross the block.
      let layer = tops.length - 1;
      while (layer >= 0 && coverOf(layer) < 1) layer--;
      let color = layer >= 0 ? hillAt(layer) : skyColor(sky, glow, sun, x * wide, y * high, high);
      for (layer++; layer < tops.length; layer++) {
        const cover = coverOf(layer);
        if (cover > 0) color = mix(color, hillAt(layer), cover);
      }
      fill(png, left + px, top + py, Math.min(block, width - px), Math.min(block, height - py), color);
    }
  }
}

/** Returns the part of a block around `y` that lies below the edge: 0 to 1. */
const covered = (edge: number, y: number, block: number): number => Math.min(1, Math.max(0, (y - edge) / block + 0.5));

interface Sun {
  x: number;
  y: number;
  r: number;
}

/** @param high height of the picture, if its shorter side is 1 */
function skyColor(sky: [Color, Color], glow: Color, sun: Sun, x: number, y: number, high: number) {
  const distance = Math.hypot(x - sun.x, y - sun.y);
  const disc = Math.min(1, Math.max(0, (sun.r - distance) / 0.006));
  const halo = Math.exp(-((distance / (sun.r * 3)) ** 2)) * 0.55;
  return mix(mix(sky[0], sky[1], Math.min(1, (y / high) * 1.5)), glow, Math.max(disc, halo));
}

/** Mixes mist into the foot of each hill, which makes the layers visible. */
const hillColor = (color: Color, mist: Color, depth: number): Color => mix(color, mist, Math.min(0.45, depth * 1.6));

function fill({ data, width: line }: PNG, x: number, y: number, width: number, height: number, [r, g, b]: Color): void {
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const at = (row * line + column) * 4;
      data[at] = r;
      data[at + 1] = g;
      data[at + 2] = b;
      data[at + 3] = 255;
    }
  }
}

const blockOf = (percent: number): number => (percent >= 100 ? 1 : Math.max(4, Math.round((100 - percent) / 3)));

const mix = (a: Color, b: Color, share: number): Color => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

function hsl(hue: number, saturation: number, lightness: number): Color {
  const channel = (n: number) => {
    const k = (n + (((hue % 360) + 360) % 360) / 30) % 12;
    return (
      255 * (lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
    );
  };
  return [channel(0), channel(8), channel(4)];
}

/** Returns a function that renders images and caches the latest ones up to `maxBytes`. */
export function createGallery(maxBytes = 32 * 1024 * 1024): (spec: ImageSpec) => Buffer {
  const cache = new Map<string, Buffer>();
  let bytes = 0;
  return (spec) => {
    const name = JSON.stringify([spec.scenes, spec.percent, spec.ratio]);
    const cached = cache.get(name);
    cache.delete(name);
    const png = cached ?? renderPng(spec);
    cache.set(name, png);
    if (!cached) bytes += png.length;
    for (const [oldest, image] of cache) {
      if (bytes <= maxBytes || oldest === name) break;
      cache.delete(oldest);
      bytes -= image.length;
    }
    return png;
  };
}

/** Returns an MP4 file with a valid header and no content, which is enough for a client that only stores it. */
export function emptyVideo(): Buffer {
  const box = (type: string, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length + 8, 0);
    head.write(type, 4, "latin1");
    return Buffer.concat([head, body]);
  };
  return Buffer.concat([box("ftyp", Buffer.from("isom\0\0\x02\0isommp41", "latin1")), box("free", Buffer.alloc(8))]);
}
