/**
 * Preset dictionary for deflate with what results have in common: the grammar of buttons, labels and the field names of a
 * vendor's task object. It keeps the row of an ended task below 1 KB, so that its write costs one unit instead of two.
 *
 * FROZEN: a row can only be read with exactly the dictionary it was written with. To change the dictionary, add a second one
 * with the next number. `dictionary.test.ts` contains the hash of this one and a row that was written with it.
 */

type Line = readonly [verb: string, label: string, emoji: string];

const numbers = [1, 2, 3, 4];
const GRID: readonly Line[] = [
  ...numbers.map((n): Line => [`JOB::upsample::${n}::`, `U${n}`, ""]),
  ["JOB::reroll::0::::SOLO", "", "🔄"],
  ...numbers.map((n): Line => [`JOB::variation::${n}::`, `V${n}`, ""]),
];
const SINGLE: readonly Line[] = [
  ["JOB::upsample_v6r1_2x_subtle::1::::SOLO", "Upscale (Subtle)", "upscale_1"],
  ["JOB::upsample_v6r1_2x_creative::1::::SOLO", "Upscale (Creative)", "upscale_1"],
  ["JOB::upsample_v7_2x_subtle::1::::SOLO", "Upscale (Subtle)", "upscale_1"],
  ["JOB::upsample_v7_2x_creative::1::::SOLO", "Upscale (Creative)", "upscale_1"],
  ["JOB::low_variation::1::::SOLO", "Vary (Subtle)", "🪄"],
  ["JOB::high_variation::1::::SOLO", "Vary (Strong)", "🪄"],
  ["Inpaint::1::::SOLO", "Vary (Region)", "🖌️"],
  ["Outpaint::50::1::::SOLO", "Zoom Out 2x", "🔍"],
  ["Outpaint::75::1::::SOLO", "Zoom Out 1.5x", "🔍"],
  ["Outpaint::100::1::::SOLO", "Make Square", "↔️"],
  ["CustomZoom::", "Custom Zoom", "🔍"],
  ["JOB::pan_left::1::::SOLO", "", "⬅️"],
  ["JOB::pan_right::1::::SOLO", "", "➡️"],
  ["JOB::pan_up::1::::SOLO", "", "⬆️"],
  ["JOB::pan_down::1::::SOLO", "", "⬇️"],
  ["JOB::animate_high::1::::SOLO", "Animate (High motion)", "🎞️"],
  ["JOB::animate_low::1::::SOLO", "Animate (Low motion)", "🎞️"],
  ["BOOKMARK::", "", "❤️"],
];

/** A button in our result, and a button in a vendor's body, which is stored as a string inside that result. */
const ours = ([verb, label, emoji]: Line) => `{"customId":"MJ::${verb}","label":"${label}","emoji":"${emoji}"},`;
const theirs = ([verb, label, emoji]: Line) =>
  `{"customId":"MJ::${verb}","emoji":"${emoji}","label":"${label}","type":2,"style":2},`;
const quoted = (text: string) => text.replaceAll('"', '\\"');

const BODY = [
  '{"id":"17","action":"UPSCALE","action":"IMAGINE","botType":"MID_JOURNEY","customId":"MJ::JOB::upsample::1::","prompt":"',
  '","promptEn":"","description":"/up  U1","description":"/imagine ","state":"","submitTime":17,"startTime":17',
  ',"finishTime":17,"imageUrl":"https://cdn.discordapp.com/attachments/","imageHeight":1024,"imageWidth":1024',
  ',"imageHeight":2048,"imageWidth":2048,"images":[{"url":"https://","imageUrls":[{"url":"","thumbnailUrl":"',
  ',"videoUrl":"","status":"SUCCESS","progress":"100%","failReason":null,"failReason":"","buttons":[',
].join("");
const REST = [
  '],"maskBase64":"","mode":"FAST","proxy":"","properties":{"botType":"MID_JOURNEY","discordInstanceId":"13',
  '","finalPrompt":" --ar 16:9 --stylize 250 --v 7","finalZhPrompt":"","messageId":"13","messageContent":"** ** - <@13',
  '> (fast)","nonce":"13","progressMessageId":"13","messageHash":"","flags":0}}',
].join("");

const TEXT = [
  quoted(BODY),
  ...[...GRID, ...SINGLE].map(theirs).map(quoted),
  quoted(REST),
  '{"imageUrl":"https://cdn.discordapp.com/attachments/.png?ex=6&is=6&hm=&","images":[{"url":"","thumbnail":"',
  '"}],"videos":[{"url":"","buttons":[',
  ...[...GRID, ...SINGLE].map(ours),
  '],"prompt":"","promptEn":"","finalPrompt":"","description":"","seed":"","raw":"{',
].join("");

/** Dictionaries by number; the first byte of a deflated value is the number. */
export const DICTIONARIES: Readonly<Record<number, Buffer>> = { 1: Buffer.from(TEXT) };
/** The dictionary for new values. */
export const DICTIONARY = 1;
