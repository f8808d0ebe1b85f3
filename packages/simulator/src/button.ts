/**
 * Buttons: the grammar of customIds (docs/protocol.md 4) and the buttons of a result. This file defines the meaning of a
 * press. It rejects no press: each dialect decides which customIds it supports.
 */
import type { Action, ResultKind, Task } from "./task.ts";

export interface Button {
  customId: string;
  emoji: string;
  label: string;
  type: 2;
  style: 1 | 2 | 3;
}

export interface Press {
  action: Action;
  result: ResultKind;
  /** 1 to 4 if the button names an image, otherwise 0. */
  index: number;
  label: string;
  /**
   * Whether the press opens a modal. `always`: Inpaint, CustomZoom, lines of describe and shorten. `remix`: only if remix
   * is on (docs/protocol.md 4.4).
   */
  modal: "always" | "remix" | "never";
  /** True for PicReader::all: one press creates a child per line (docs/protocol.md 4.5). */
  all?: true;
}

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

type Rule = [pattern: RegExp, press: (match: RegExpExecArray) => Press];

const grid = (action: Action, label: string, index = 0): Press => ({
  action,
  result: "grid",
  index,
  label,
  modal: "remix",
});

const RULES: readonly Rule[] = [
  rule(`JOB::upsample::([1-4])::${UUID}`, (m) => ({ ...single("UPSCALE", `U${m[1]}`), index: Number(m[1]) })),
  rule(`JOB::variation::([1-4])::${UUID}`, (m) => grid("VARIATION", `V${m[1]}`, Number(m[1]))),
  rule(`JOB::reroll::0::${UUID}::SOLO`, () => grid("REROLL", "🔄")),
  rule(`JOB::upsample_(v\\w+?)_(2x|4x)(?:_(subtle|creative))?::1::${UUID}::SOLO`, (m) =>
    single("UPSCALE", `Upscale (${m[3] ? capital(m[3]) : m[2]})`),
  ),
  rule(`JOB::low_variation::1::${UUID}::SOLO`, () => grid("LOW_VARIATION", "Vary (Subtle)")),
  rule(`JOB::high_variation::1::${UUID}::SOLO`, () => grid("HIGH_VARIATION", "Vary (Strong)")),
  rule(`Inpaint::1::${UUID}::SOLO`, () => ({ ...grid("INPAINT", "Vary (Region)"), modal: "always" })),
  rule(`Outpaint::(50|75|100)::1::${UUID}::SOLO`, (m) => ({
    ...grid("ZOOM", m[1] === "50" ? "Zoom Out 2x" : m[1] === "75" ? "Zoom Out 1.5x" : "Make Square"),
    modal: "never",
  })),
  rule(`CustomZoom::(?:1::)?${UUID}`, () => ({ ...grid("CUSTOM_ZOOM", "Custom Zoom"), modal: "always" })),
  rule(`JOB::pan_(left|right|up|down)::1::${UUID}::SOLO`, (m) => grid("PAN", `Pan ${m[1]}`)),
  rule(`JOB::animate_(high|low)(_extend)?::[1-4]::${UUID}(?:::SOLO)?`, (m) => ({
    ...single("VIDEO", `${m[2] ? "Extend" : "Animate"} (${capital(m[1] ?? "")} motion)`),
    result: "video",
    modal: "remix",
  })),
  rule(`JOB::video_virtual_upscale::([1-4])::${UUID}`, (m) => ({
    ...single("UPSCALE", `U${m[1]}`),
    result: "video",
    index: Number(m[1]),
  })),
  rule("Job::PicReader::([1-4])", (m) => ({ ...grid("IMAGINE", `${m[1]}️⃣`, Number(m[1])), modal: "always" })),
  rule("Job::PicReader::all", () => ({ ...grid("IMAGINE", "Imagine all"), modal: "never", all: true })),
  rule("Picread::Retry", () => ({ ...single("DESCRIBE", "🔄"), result: "describe" })),
  rule("(?:Job|JOB)::PromptAnalyzer::([1-5])", (m) => ({
    ...grid("IMAGINE", `${m[1]}️⃣`, Number(m[1])),
    modal: "always",
  })),
];

/** Returns the press of a customId; undefined if no vendor of the family supports the customId, for example ❤️. */
export function pressOf(customId: string): Press | undefined {
  for (const [pattern, press] of RULES) {
    const match = pattern.exec(customId);
    if (match) return press(match);
  }
  return undefined;
}

/** Second button row of a single image, which differs by model (docs/protocol.md 4.2). */
export type Row = "v6" | "v6+video" | "v7";

export function buttonsOf(task: Task, row: Row, style: 1 | 2): Button[] {
  if (task.status !== "SUCCESS") return [];
  const job = task.jobId;
  const button = (customId: string, label: string, emoji = ""): Button => ({ customId, emoji, label, type: 2, style });
  const numbers = [1, 2, 3, 4];
  const reroll = button(`MJ::JOB::reroll::0::${job}::SOLO`, "", "🔄");
  const animate = [
    button(`MJ::JOB::animate_high::1::${job}::SOLO`, "Animate (High motion)", "🎞️"),
    button(`MJ::JOB::animate_low::1::${job}::SOLO`, "Animate (Low motion)", "🎞️"),
  ];
  switch (task.result) {
    case "grid":
      return [
        ...numbers.map((n) => button(`MJ::JOB::upsample::${n}::${job}`, `U${n}`)),
        reroll,
        ...numbers.map((n) => button(`MJ::JOB::variation::${n}::${job}`, `V${n}`)),
      ];
    case "single": {
      const model = row === "v7" ? "v7" : "v6r1";
      const zoom = button(`MJ::CustomZoom::${row === "v7" ? "1::" : ""}${job}`, "Custom Zoom", "🔍");
      const pans = [
        button(`MJ::JOB::pan_left::1::${job}::SOLO`, "", "⬅️"),
        button(`MJ::JOB::pan_right::1::${job}::SOLO`, "", "➡️"),
        button(`MJ::JOB::pan_up::1::${job}::SOLO`, "", "⬆️"),
        button(`MJ::JOB::pan_down::1::${job}::SOLO`, "", "⬇️"),
      ];
      return [
        button(`MJ::JOB::upsample_${model}_2x_subtle::1::${job}::SOLO`, "Upscale (Subtle)", "upscale_1"),
        button(`MJ::JOB::upsample_${model}_2x_creative::1::${job}::SOLO`, "Upscale (Creative)", "upscale_1"),
        button(`MJ::JOB::low_variation::1::${job}::SOLO`, "Vary (Subtle)", "🪄"),
        button(`MJ::JOB::high_variation::1::${job}::SOLO`, "Vary (Strong)", "🪄"),
        button(`MJ::Inpaint::1::${job}::SOLO`, "Vary (Region)", "🖌️"),
        button(`MJ::Outpaint::50::1::${job}::SOLO`, "Zoom Out 2x", "🔍"),
        button(`MJ::Outpaint::75::1::${job}::SOLO`, "Zoom Out 1.5x", "🔍"),
        ...(row === "v7" ? [...pans, zoom, ...animate, reroll] : [zoom, ...pans]),
        ...(row === "v6+video" ? animate : []),
        ...(row === "v7" ? [] : [button(`MJ::BOOKMARK::${job}`, "", "❤️")]),
      ];
    }
    case "video":
      // Several videos have buttons to choose one; the chosen video can be extended (docs/protocol.md 4.3).
      return task.index > 0
        ? [
            button(`MJ::JOB::animate_high_extend::1::${job}::SOLO`, "Extend (High motion)", "🎞️"),
            button(`MJ::JOB::animate_low_extend::1::${job}::SOLO`, "Extend (Low motion)", "🎞️"),
          ]
        : [
            ...numbers
              .slice(0, task.videos ?? 4)
              .map((n) => button(`MJ::JOB::video_virtual_upscale::${n}::${job}`, `U${n}`)),
            reroll,
          ];
    case "describe":
      return [
        ...numbers.map((n) => button(`MJ::Job::PicReader::${n}`, "", `${n}️⃣`)),
        button("MJ::Picread::Retry", "", "🔄"),
        button("MJ::Job::PicReader::all", "Imagine all", "🎉"),
      ];
    case "shorten":
      return [1, 2].map((n) => button(`MJ::Job::PromptAnalyzer::${n}`, "", `${n}️⃣`));
    case "plain":
      return [];
  }
}

function rule(pattern: string, press: (match: RegExpExecArray) => Press): Rule {
  return [new RegExp(`^MJ::${pattern}$`, "u"), press];
}

function single(action: Action, label: string): Press {
  return { action, result: "single", index: 0, label, modal: "never" };
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
