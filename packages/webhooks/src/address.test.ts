import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { IPV4_REFUSED, IPV6_REFUSED, isPublic } from "./address.ts";

const bits = (size: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(size)) - 1n });

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

/** Writes all eight groups of an IPv6 address. */
function colons(value: bigint): string {
  return Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(":");
}

function numberOf(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Generates addresses of a block; the first and the last address are more likely than the others. */
function within(block: string, write: (value: bigint) => string, size: number) {
  const [network, prefix] = block.split("/");
  const free = size - Number(prefix);
  const first = numberOf(network!);
  const last = first + (1n << BigInt(free)) - 1n;
  return fc
    .oneof(
      fc.constantFrom(first, last),
      bits(free).map((host) => first + host),
    )
    .map(write);
}

const refused4 = fc.oneof(...IPV4_REFUSED.map((block) => within(block, dotted, 32)));

/** IPv6 blocks outside the assigned global unicast block. */
const OUTSIDE = [
  "::/128",
  "::1/128",
  "::/96",
  "::ffff:0:0/96",
  "::ffff:0:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "4000::/2",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

describe("refused blocks", () => {
  test.each(IPV4_REFUSED)("no address in %s is public", (block) => {
    fc.assert(
      fc.property(within(block, dotted, 32), (address) => {
        expect(isPublic(address), address).toBe(false);
      }),
    );
  });
  test.each([...IPV6_REFUSED, ...OUTSIDE])("no address in %s is public", (block) => {
    fc.assert(
      fc.property(within(block, colons, 128), (address) => {
        expect(isPublic(address), address).toBe(false);
      }),
    );
  });
});

test("an IPv4 address that is not public is not public in any IPv6 form that embeds it", () => {
  fc.assert(
    fc.property(refused4, bits(48), (address, rest) => {
      const four = numberOf(address);
      const forms = [
        `::ffff:${address}`, // mapped
        `::${address}`, // compatible
        `::ffff:0:${address}`, // translated
        `64:ff9b::${address}`, // NAT64
        colons((0x64ff9b0001n << 80n) | four), // local-use NAT64 (RFC 8215)
        colons((0x2002n << 112n) | (four << 80n) | rest), // 6to4
        colons((0x20010000n << 96n) | (rest << 32n) | (four ^ 0xffffffffn)), // Teredo
      ];
      for (const form of forms) expect(isPublic(form), form).toBe(false);
    }),
  );
});

test("every address that is public here is unicast in ipaddr.js, which classifies independently", () => {
  const four = fc.oneof(bits(32).map(dotted), refused4);
  const six = fc.oneof(
    bits(128),
    bits(125).map((rest) => (1n << 125n) | rest),
    bits(112).map((rest) => (0x2001n << 112n) | rest),
  );
  fc.assert(
    fc.property(fc.oneof(four, six.map(colons)), (address) => {
      if (isPublic(address)) expect(ipaddr.parse(address).range(), address).toBe("unicast");
    }),
    { numRuns: 2_000 },
  );
});

test("an IPv4 address outside every refused block is public", () => {
  fc.assert(
    fc.property(bits(32).map(dotted), (address) => {
      const inside = IPV4_REFUSED.some((block) => ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(block)));
      expect(isPublic(address), address).toBe(!inside);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["9.255.255.255", "11.0.0.0"],
  ["100.63.255.255", "100.128.0.0"],
  ["126.255.255.255", "128.0.0.0"],
  ["169.253.255.255", "169.255.0.0"],
  ["172.15.255.255", "172.32.0.0"],
  ["192.167.255.255", "192.169.0.0"],
  ["198.17.255.255", "198.20.0.0"],
  ["223.255.255.255", "1.1.1.1"],
  ["2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2606:4700:4700::1111", "2a00:1450:4001:81b::200e"],
])("the addresses %s and %s next to refused blocks are public", (before, after) => {
  expect([isPublic(before), isPublic(after)]).toEqual([true, true]);
});

test.each([
  "",
  " ",
  "example.com",
  "1.1.1",
  "1.1.1.1.1",
  "01.1.1.1",
  "0x1.1.1.1",
  "16843009",
  "1.1.1.1 ",
  "1.1.1.1/32",
  "1.1.1.256",
  "[2606:4700::1]",
  "2606:4700::1%eth0",
  "2606:4700::1/64",
  "2606:4700:::1",
  "2606:4700::1::",
  "fe80::1%1",
])("text that is not a plain address is not public: %j", (text) => {
  expect(isPublic(text)).toBe(false);
});
