/** moto, an AWS-compatible server of the Python registry (requirements.txt). It is optional. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { freePort, LOOPBACK } from "@mjflow/local/engine/port";

export interface Moto {
  url: string;
  stop(): void;
}

/** @returns the Python that has moto, or why there is none. `MJFLOW_PYTHON` names another Python. */
export function findMoto(): { python: string } | { reason: string } {
  const python = process.env["MJFLOW_PYTHON"] || "python3";
  try {
    execFileSync(python, ["-c", "import moto.server, flask"], { stdio: "pipe" });
    return { python };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return {
      reason: isMissing
        ? `there is no ${python}`
        : `${python} has no moto server. Run ${python} -m pip install -r test/rehearsal/requirements.txt, or set MJFLOW_PYTHON`,
    };
  }
}

export async function startMoto(python: string): Promise<Moto> {
  const port = await freePort();
  const start = `from moto.server import main; main(["-H", "${LOOPBACK}", "-p", "${port}"])`;
  const child: ChildProcess = spawn(python, ["-c", start], {
    stdio: "ignore",
    // The roles name a policy of AWS.
    env: { ...process.env, MOTO_IAM_LOAD_MANAGED_POLICIES: "true" },
  });
  // moto does not notice that the rehearsal has ended.
  process.once("exit", () => child.kill());
  const url = `http://${LOOPBACK}:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}`);
    const isUp = await fetch(`${url}/moto-api/data.json`).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return { url, stop: () => void child.kill() };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
