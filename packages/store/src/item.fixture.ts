/** A result of typical size, for tests that measure rows and count capacity units. */
import { randomUUID } from "node:crypto";
import type { Result } from "@mjflow/core/report";

/** An upscale as a v7 account reports it: 14 buttons, CDN links, prompts of typical length, and the raw body. */
export function upscaleResult(now: number): Result {
  const job = randomUUID();
  const button = (customId: string, label: string, emoji = "") => ({ customId, label, emoji });
  const solo = (verb: string, label: string, emoji = "") => button(`MJ::JOB::${verb}::1::${job}::SOLO`, label, emoji);
  const buttons = [
    solo("upsample_v7_2x_subtle", "Upscale (Subtle)", "upscale_1"),
    solo("upsample_v7_2x_creative", "Upscale (Creative)", "upscale_1"),
    solo("low_variation", "Vary (Subtle)", "🪄"),
    solo("high_variation", "Vary (Strong)", "🪄"),
    button(`MJ::Inpaint::1::${job}::SOLO`, "Vary (Region)", "🖌️"),
    button(`MJ::Outpaint::50::1::${job}::SOLO`, "Zoom Out 2x", "🔍"),
    button(`MJ::Outpaint::75::1::${job}::SOLO`, "Zoom Out 1.5x", "🔍"),
    ...["left", "right", "up", "down"].map((way) => solo(`pan_${way}`, "", "⬅️")),
    button(`MJ::CustomZoom::1::${job}`, "Custom Zoom", "🔍"),
    solo("animate_high", "Animate (High motion)", "🎞️"),
    solo("animate_low", "Animate (Low motion)", "🎞️"),
  ];
  const channel = "1118138338562560102/1326847562910236712";
  const file = `user_a_lighthouse_in_a_storm_at_dusk_${job}.png`;
  const signed = `ex=6781b2c3&is=67806143&hm=${randomUUID().replaceAll("-", "").repeat(2)}&`;
  const imageUrl = `https://cdn.discordapp.com/attachments/${channel}/${file}?${signed}`;
  const prompt =
    "A lighthouse in a storm at dusk, long exposure, muted colours, heavy sea --ar 16:9 --stylize 250 --v 7";
  const raw = JSON.stringify({
    id: "1763700000123456",
    action: "UPSCALE",
    botType: "MID_JOURNEY",
    customId: `MJ::JOB::upsample::2::${randomUUID()}`,
    prompt,
    promptEn: prompt,
    description: `/up 1763700000123456 U2`,
    state: "",
    submitTime: now,
    startTime: now + 1_200,
    finishTime: now + 9_400,
    imageUrl,
    imageHeight: 816,
    imageWidth: 1456,
    status: "SUCCESS",
    progress: "100%",
    failReason: null,
    buttons: buttons.map((b) => ({ ...b, type: 2, style: 2 })),
    properties: { finalPrompt: prompt, messageId: "1326847562910236799", messageHash: job, flags: 0 },
  });
  return { imageUrl, buttons, prompt, promptEn: prompt, finalPrompt: prompt, raw };
}
