import { createSocket } from "node:dgram";
import { expect, onTestFinished, test } from "vitest";
import { createResolve, resolveWithSystem } from "./resolve.ts";

const A = 1;
const AAAA = 28;
type Records = Readonly<Record<number, Uint8Array[] | "no such name" | "broken">>;

/** Starts a local name server that returns `records` for every name. @returns its address for `dns.setServers` */
async function nameServer(records: Records): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
    const found = records[type] ?? [];
    const code = found === "no such name" ? 3 : found === "broken" ? 2 : 0;
    const rows = typeof found === "string" ? [] : found;
    const head = Buffer.from([query[0]!, query[1]!, 0x81, 0x80 | code, 0, 1, 0, rows.length, 0, 0, 0, 0]);
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const answers = rows.map((row) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, row.length, ...row]));
    socket.send(Buffer.concat([head, question, ...answers]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

const four = [Uint8Array.of(93, 184, 216, 34), Uint8Array.of(127, 0, 0, 1)];
const six = [Uint8Array.of(0x26, 6, 0x47, 0, ...Array(11).fill(0), 1)];

test.each<[string, Records, string[]]>([
  ["both families, IPv4 first", { [A]: four, [AAAA]: six }, ["93.184.216.34", "127.0.0.1", "2606:4700::1"]],
  ["IPv4 only", { [A]: four.slice(1) }, ["127.0.0.1"]],
  ["IPv6 only", { [AAAA]: six }, ["2606:4700::1"]],
  ["IPv6 although the IPv4 query failed", { [A]: "broken", [AAAA]: six }, ["2606:4700::1"]],
])("a name resolves to all addresses of the name servers: %s", async (_, records, addresses) => {
  const resolve = createResolve({ servers: [await nameServer(records)] });
  expect(await resolve("hooks.example")).toEqual(addresses);
});

test.each<[string, Records, string]>([
  ["no such name", { [A]: "no such name", [AAAA]: "no such name" }, "ENOTFOUND"],
  ["no address", {}, "ENODATA"],
  ["broken", { [A]: "broken", [AAAA]: "broken" }, "ESERVFAIL"],
])("resolution fails if the name servers return: %s", async (_, records, code) => {
  const resolve = createResolve({ servers: [await nameServer(records)] });
  await expect(resolve("hooks.example")).rejects.toMatchObject({ code });
});

test("without configured servers the name servers of the machine are asked, twice and for two seconds each", async () => {
  const created: unknown[] = [];
  const configured: unknown[] = [];
  class Resolver {
    constructor(options: unknown) {
      created.push(options);
    }
    setServers(servers: unknown) {
      configured.push(servers);
    }
    resolve4 = async () => ["93.184.216.34"];
    resolve6 = async () => [];
  }
  const dns = process.getBuiltinModule("node:dns/promises") as { Resolver: unknown };
  const { Resolver: real } = dns;
  dns.Resolver = Resolver;
  onTestFinished(() => {
    dns.Resolver = real;
  });
  expect(await createResolve()("hooks.example")).toEqual(["93.184.216.34"]);
  expect(created).toEqual([{ timeout: 2_000, tries: 2 }]);
  expect(configured).toEqual([]);
  await createResolve({ servers: ["127.0.0.1:5353"] })("hooks.example");
  expect(configured).toEqual([["127.0.0.1:5353"]]);
});

test("the system resolver uses the hosts file", async () => {
  expect(await resolveWithSystem("localhost")).toContain("127.0.0.1");
});
