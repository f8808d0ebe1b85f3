/** Runs the samples that verify webhooks, with webhooks that mjflow signs and with forged ones. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newSecret, sign } from "@mjflow/webhooks/sign";
import type { Verifier } from "./plan.ts";

interface Case {
  name: string;
  headers: Record<string, string>;
  body: string;
  secret: string;
  valid: boolean;
}

const [SECRET, OTHER] = [1, 2].map((n) => newSecret(new Uint8Array(32).fill(n))) as [string, string];
/** Text that a parser and a printer of JSON would change: spaces, a number, and characters outside of ASCII. */
const BODY =
  '{"type": "flow.completed",  "timestamp":"2026-11-21T00:00:00.000Z","data":{"state":"Größe 1.0 裸 \u2028"}}';

export function cases(nowS = Math.floor(Date.now() / 1_000)): Case[] {
  const signed = (timestampS: number, secrets: string[]) => ({
    "webhook-id": "evt_1",
    "webhook-timestamp": String(timestampS),
    "webhook-signature": sign({ id: "evt_1", timestampS, body: BODY }, secrets),
  });
  const good = signed(nowS, [SECRET]);
  const make = (name: string, valid: boolean, headers: Record<string, string>, body = BODY): Case => {
    return { name, headers, body, secret: SECRET, valid };
  };
  return [
    make("signed", true, good),
    make("signed by two secrets", true, signed(nowS, [OTHER, SECRET])),
    make("sent four minutes ago", true, signed(nowS - 240, [SECRET])),
    make("signed by another secret", false, signed(nowS, [OTHER])),
    make("another body", false, good, `${BODY} `),
    make("another id", false, { ...good, "webhook-id": "evt_2" }),
    make("sent six minutes ago", false, signed(nowS - 360, [SECRET])),
    make("sent in six minutes", false, signed(nowS + 360, [SECRET])),
    make("no signature", false, { ...good, "webhook-signature": "" }),
    make("a signature that is no base64", false, { ...good, "webhook-signature": "v1,%%% v2,x" }),
    make("a time that is no number", false, { ...good, "webhook-timestamp": "now" }),
    make("no headers", false, {}),
  ];
}

/** The program of each language, or its ways to be called. Unset: it runs in this Node. */
const PROGRAMS: Record<Verifier, readonly string[] | undefined> = {
  client: undefined,
  node: undefined,
  python: ["python3", "--version"],
  go: ["go", "version"],
  php: ["php", "--version"],
  java: ["javac", "-version"],
};

/** Returns why the samples of a language cannot run here; undefined if they can. */
export function missing(language: Verifier): string | undefined {
  const [program, argument] = PROGRAMS[language] ?? [];
  if (program === undefined) return undefined;
  try {
    execFileSync(program, [argument!], { stdio: "ignore" });
    return undefined;
  } catch {
    return `${program} is not installed`;
  }
}

/**
 * Drivers read the cases as JSON from standard input and print one `true` or `false` a line. Java has no JSON in its library:
 * it reads one case a line, as base64 texts.
 */
interface Driver {
  files: Record<string, string>;
  /** Unset: the language needs no build. */
  build?: string[];
  command: string[];
}

const DRIVERS: Record<Exclude<Verifier, "client" | "node">, Driver> = {
  python: {
    files: {
      "driver.py": `import json, sys
from sample import is_signed
for each in json.load(sys.stdin):
    print("true" if is_signed(each["headers"], each["body"].encode(), each["secret"]) else "false")
`,
    },
    command: ["python3", "driver.py"],
  },
  php: {
    files: {
      "driver.php": `<?php
require 'sample.php';
foreach (json_decode(file_get_contents('php://stdin'), true) as $each) {
    echo is_signed($each['headers'], $each['body'], $each['secret']) ? "true" : "false", "\\n";
}
`,
    },
    command: ["php", "driver.php"],
  },
  go: {
    files: {
      "go.mod": "module sample\n\ngo 1.20\n",
      "main.go": `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"sample/webhook"
)

func main() {
	var cases []struct {
		Headers      map[string]string
		Body, Secret string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for _, each := range cases {
		header := http.Header{}
		for name, value := range each.Headers {
			header.Set(name, value)
		}
		fmt.Println(webhook.IsSigned(header, []byte(each.Body), each.Secret))
	}
}
`,
    },
    build: ["go", "build", "-o", "driver", "."],
    command: ["./driver"],
  },
  java: {
    files: {
      "Driver.java": `import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Scanner;

final class Driver {
    public static void main(String[] arguments) throws Exception {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] parts = lines.nextLine().split(",", -1);
            Map<String, String> headers = new HashMap<>();
            for (int i = 2; i + 1 < parts.length; i += 2) headers.put(text(parts[i]), text(parts[i + 1]));
            byte[] body = Base64.getDecoder().decode(parts[1]);
            System.out.println(Webhook.isSigned(headers::get, body, text(parts[0])));
        }
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), java.nio.charset.StandardCharsets.UTF_8);
    }
}
`,
    },
    build: ["javac", "-d", ".", "Webhook.java", "Driver.java"],
    command: ["java", "-cp", ".", "Driver"],
  },
};

const FILE: Record<keyof typeof DRIVERS, string> = {
  python: "sample.py",
  php: "sample.php",
  go: "webhook/webhook.go",
  java: "Webhook.java",
};

/** @throws Error that names the cases in which the sample is wrong */
export async function verify(language: Verifier, code: string, folder: string): Promise<void> {
  const run =
    language === "client" || language === "node"
      ? await inNode(language, code, folder)
      : inProcess(language, code, folder);
  // The cases have times, so they are made after the build.
  const all = cases();
  const given = await run(all);
  const wrong = all.filter(({ valid }, i) => given[i] !== valid).map(({ name }) => name);
  if (wrong.length > 0 || given.length !== all.length) throw new Error(`wrong for: ${wrong.join(", ")}`);
}

type Run = (all: readonly Case[]) => boolean[] | Promise<boolean[]>;

async function inNode(language: "client" | "node", code: string, folder: string): Promise<Run> {
  const file = join(folder, language === "client" ? "sample.ts" : "sample.mjs");
  writeFileSync(file, code);
  process.env["WEBHOOK_SECRET"] = SECRET;
  const sample = (await import(file)) as {
    isSigned?: (headers: Record<string, string>, body: string, secret: string) => boolean;
    POST?: (request: Request) => Promise<Response>;
  };
  return async (all) => {
    const results: boolean[] = [];
    for (const { headers, body, secret } of all) {
      if (sample.isSigned) results.push(sample.isSigned(headers, body, secret));
      else {
        const { status } = await sample.POST!(new Request("http://127.0.0.1/", { method: "POST", headers, body }));
        results.push(status < 300);
      }
    }
    return results;
  };
}

function inProcess(language: keyof typeof DRIVERS, code: string, folder: string): Run {
  const { files, build, command } = DRIVERS[language];
  for (const [name, text] of Object.entries({ ...files, [FILE[language]]: code })) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const execute = ([program, ...args]: readonly string[], input: string) =>
    execFileSync(program!, args, {
      cwd: folder,
      input,
      encoding: "utf8",
      // The samples use only standard libraries: nothing may be downloaded.
      env: { ...process.env, GOFLAGS: "-mod=mod", GOPROXY: "off", GOTOOLCHAIN: "local" },
      stdio: ["pipe", "pipe", "pipe"],
    });
  if (build) execute(build, "");
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const line = ({ secret, body, headers }: Case) =>
    [secret, body, ...Object.entries(headers).flat()].map(base64).join(",");
  return (all) => {
    const output = execute(command, language === "java" ? all.map(line).join("\n") : JSON.stringify(all));
    return output
      .trim()
      .split("\n")
      .map((text) => text === "true");
  };
}
