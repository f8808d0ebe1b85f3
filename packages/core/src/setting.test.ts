import { expect, it } from "vitest";
import { checked, checkedSetting, FORMATS, type SettingName, wholeNumber } from "./setting.ts";

const URL_FAULT = " must be a URL";
const EXAMPLES: Readonly<Record<SettingName, { values: string[]; wrong: string; fault: string }>> = {
  MJFLOW_ARCHIVE: { values: ["on", "off", "later"], wrong: "ON", fault: " must be one of on, off, later" },
  MJFLOW_DELIVERY_LOG: { values: ["on", "off"], wrong: "ON", fault: " must be one of on, off" },
  MJFLOW_FAN_OUT: { values: ["one", "each"], wrong: "ONE", fault: " must be one of one, each" },
  MJFLOW_LOG: {
    values: ["debug", "info", "warn", "error", "silent"],
    wrong: "all",
    fault: " must be one of debug, info, warn, error, silent",
  },
  MJFLOW_PROGRESS: { values: ["on", "off"], wrong: "yes", fault: " must be one of on, off" },
  MJFLOW_RESUBMIT: { values: ["after-grace", "never"], wrong: "nver", fault: " must be one of after-grace, never" },
  MJFLOW_API_URL: { values: ["https://api.example"], wrong: "api.example", fault: URL_FAULT },
  MJFLOW_CALLBACK_URL: { values: ["https://cb.example"], wrong: "cb", fault: URL_FAULT },
  MJFLOW_CDN_URL: { values: ["https://cdn.example/x"], wrong: "/x", fault: URL_FAULT },
  MJFLOW_CONSOLE_URL: { values: ["https://console.example"], wrong: "on", fault: URL_FAULT },
  MJFLOW_CORS_ORIGINS: {
    values: ["*", "https://a.example, https://b.example"],
    wrong: "https://a.example/",
    fault: ': "https://a.example/" must be written as https://a.example',
  },
  MJFLOW_DUE_SHARDS: { values: ["0", "32"], wrong: "33", fault: " must be a whole number from 0 to 32" },
  MJFLOW_FACADE_NOTIFY_HOOK: { values: ["https://app.example/hook"], wrong: "hook", fault: URL_FAULT },
  MJFLOW_MJ_PUBLIC_IMAGES: {
    values: ["app_default", "app_a, app_b"],
    wrong: "default",
    fault: " must be ids of apps, comma-separated, for example app_default",
  },
  MJFLOW_STREAM_URL: { values: ["https://stream.example"], wrong: "stream", fault: URL_FAULT },
  MJFLOW_STREAMS_PER_APP: { values: ["0", "1000"], wrong: "1001", fault: " must be a whole number from 0 to 1000" },
  MJFLOW_TRANSLATE_URL: { values: ["http://127.0.0.1:1"], wrong: "translate", fault: URL_FAULT },
  MJFLOW_WEBHOOK_FIRST_TIMEOUT_S: {
    values: ["1", "15"],
    wrong: "0",
    fault: " must be a whole number from 1 to 15",
  },
};

it.each(Object.keys(FORMATS) as SettingName[])("%s has a value of its format, or is unset", (name) => {
  for (const value of EXAMPLES[name].values) expect(checkedSetting({ [name]: value }, name)).toBe(value);
  expect(checkedSetting({}, name)).toBeUndefined();
  expect(checkedSetting({ [name]: "" }, name)).toBeUndefined();
});

it.each(Object.keys(FORMATS) as SettingName[])("another value of %s is an error that says what it must be", (name) => {
  const { wrong, fault } = EXAMPLES[name];
  expect(() => checkedSetting({ [name]: wrong }, name)).toThrow(new Error(`${name}${fault}`));
});

it.each(["1.5", "-1", "1e1", " 2", "two", "0x2"])("%j is no whole number", (text) => {
  expect(() => checked({ N: text }, "N", wholeNumber(0, 20))).toThrow("N must be a whole number from 0 to 20");
});
