import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createUrlGuard, guardedLookup } from "./url-guard.ts";

const guard = createUrlGuard();

/** URLs that must be rejected by default, each with the allow-list entry that allows it. */
const FORBIDDEN: [url: string, entry: string][] = [
  // loopback in every notation that URLs accept
  ["https://127.0.0.1/", "127.0.0.1"],
  ["https://127.8.9.10/", "127.8.9.10"],
  ["https://127.1/", "127.0.0.1"],
  ["https://127.0.1/", "127.0.0.1"],
  ["https://2130706433/", "127.0.0.1"],
  ["https://0x7f000001/", "127.0.0.1"],
  ["https://0x7F.1/", "127.0.0.1"],
  ["https://017700000001/", "127.0.0.1"],
  ["https://0177.0.0.01/", "127.0.0.1"],
  ["https://127.0.0.1./", "127.0.0.1"],
  ["https://%31%32%37.0.0.1/", "127.0.0.1"],
  ["https://１２７。０。０。１/", "127.0.0.1"],
  ["https://①②⑦.0.0.1/", "127.0.0.1"],
  ["https:127.0.0.1", "127.0.0.1"],
  ["https:\\\\127.0.0.1\\", "127.0.0.1"],
  [" \thttps://127.0.\n0.1/", "127.0.0.1"],
  ["https://0/", "0.0.0.0"],
  ["https://0.0.0.0/", "0.0.0.0"],
  // other networks that are not public
  ["https://10.1.2.3/", "10.1.2.3"],
  ["https://172.16.0.1/", "172.16.0.1"],
  ["https://192.168.1.1/", "192.168.1.1"],
  ["https://100.64.0.1/", "100.64.0.1"],
  ["https://100.100.100.200/latest/meta-data/", "100.100.100.200"],
  ["https://169.254.169.254/latest/meta-data/", "169.254.169.254"],
  ["https://2852039166/latest/meta-data/", "169.254.169.254"],
  ["https://169.254.170.2/v2/credentials", "169.254.170.2"],
  ["https://168.63.129.16/", "168.63.129.16"],
  ["https://192.0.0.192/", "192.0.0.192"],
  ["https://192.0.2.1/", "192.0.2.1"],
  ["https://198.18.0.1/", "198.18.0.1"],
  ["https://203.0.113.7/", "203.0.113.7"],
  ["https://224.0.0.251/", "224.0.0.251"],
  ["https://240.0.0.1/", "240.0.0.1"],
  ["https://255.255.255.255/", "255.255.255.255"],
  // the same in IPv6, and IPv4 embedded in IPv6
  ["https://[::]/", "[::]"],
  ["https://[::1]/", "[::1]"],
  ["https://[0:0:0:0:0:0:0:1]/", "[::1]"],
  ["https://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]"],
  ["https://[::ffff:a9fe:a9fe]/", "[::ffff:169.254.169.254]"],
  ["https://[::127.0.0.1]/", "[::127.0.0.1]"],
  ["https://[64:ff9b::169.254.169.254]/", "[64:ff9b::a9fe:a9fe]"],
  ["https://[64:ff9b:1::10.0.0.1]/", "[64:ff9b:1::a00:1]"],
  ["https://[2002:7f00:1::]/", "[2002:7f00:1::]"],
  ["https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"],
  ["https://[fe80::1]/", "[fe80::1]"],
  ["https://[fc00::1]/", "[fc00::1]"],
  ["https://[fd00:ec2::254]/latest/meta-data/", "[fd00:ec2::254]"],
  ["https://[ff02::1]/", "[ff02::1]"],
  ["https://[2001:db8::1]/", "[2001:db8::1]"],
  // names of internal hosts
  ["https://localhost/", "localhost"],
  ["https://LOCALHOST./", "localhost"],
  ["https://loc\u00adalhost/", "localhost"],
  ["https://a.localhost/", "a.localhost"],
  ["https://printer.local/", "printer.local"],
  ["https://metadata.google.internal/", "metadata.google.internal"],
  ["https://ip-10-0-0-1.ec2.internal/", "ip-10-0-0-1.ec2.internal"],
  ["https://router.home.arpa/", "router.home.arpa"],
  ["https://intranet/", "intranet"],
  // other schemes and TCP ports
  ["http://example.com/", "http://example.com"],
  ["http://127.0.0.1:4601/", "http://127.0.0.1:4601"],
  ["https://example.com:22/", "example.com:22"],
  ["https://example.com:80/", "https://example.com:80"],
  ["https://example.com:8080/", "example.com:*"],
  ["https://example.com:65535/", "example.com:65535"],
  ["http://example.com:443/", "example.com:443"],
];

describe("URLs that are not public", () => {
  test.each(FORBIDDEN)("%s is rejected by default, and accepted with the allow-list entry %s", (url, entry) => {
    expect(guard.check(url).ok).toBe(false);
    expect(createUrlGuard({ allow: ["unrelated.example", entry] }).check(url)).toMatchObject({
      ok: true,
      trusted: true,
    });
  });
});

test.each([
  "",
  "example.com",
  "//example.com/",
  "/hook",
  "https://",
  "https://?",
  "https://exa mple.com/",
  "https://example.com../",
  "https://.example.com/",
  "https://a..example.com/",
  "https://[fe80::1%25eth0]/",
  "https://1.2.3.4.5/",
  "https://256.1.1.1/",
  "https://example.com:0x1bb/",
  "https://example.com:65536/",
  "ftp://127.0.0.1/",
  "file:///etc/passwd",
  "data:application/json,{}",
  "blob:https://example.com/1",
  "javascript:alert(1)",
  "gopher://127.0.0.1:4601/_",
  "ws://127.0.0.1/",
  "unix:/var/run/docker.sock",
  "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
  "https://user@127.0.0.1/",
  "https://user:word@127.0.0.1/",
  "https://:word@127.0.0.1/",
  "https://example.com@127.0.0.1/",
  `https://${"a.".repeat(200)}example/`,
])("%j is rejected with any allow-list", (url) => {
  const allowing = createUrlGuard({ allow: ["127.0.0.1:*", "example.com:*"] });
  expect(allowing.check(url).ok).toBe(false);
});

test.each([
  ["https://hooks.example.com/a?b=c#d", "hooks.example.com"],
  ["https://hooks.example.com:8443/", "hooks.example.com"],
  ["https://HOOKS.example.com./", "hooks.example.com"],
  ["https://bücher.example/", "xn--bcher-kva.example"],
  ["https://1.1.1.1/", "1.1.1.1"],
  ["https://16843009/", "1.1.1.1"],
  ["https://[2606:4700:4700::1111]:8443/", "[2606:4700:4700::1111]"],
  ["https://local.example.com/", "local.example.com"],
  ["https://mylocalhost.com/", "mylocalhost.com"],
])("the public URL %s is accepted and not trusted, so its resolved address is checked later", (url, host) => {
  expect(guard.check(url)).toMatchObject({ ok: true, trusted: false, url: { hostname: host } });
});

test("a relative URL is checked after it is resolved against its base", () => {
  const base = new URL("https://hooks.example.com/a/b");
  expect(guard.check("../c", base)).toMatchObject({ ok: true, url: { href: "https://hooks.example.com/c" } });
  expect(guard.check("//127.0.0.1/c", base).ok).toBe(false);
});

test("creating a guard throws if the allow-list has an invalid entry", () => {
  expect(() => createUrlGuard({ allow: ["127.0.0.1:*", "10.0.0.0/8"] })).toThrow(/10\.0\.0\.0\/8/);
});

test("the reason of a rejection never contains user, password, path or query of the URL", () => {
  const secret = fc.stringMatching(/^zz[a-z]{8,20}$/);
  const shapes = fc.constantFrom<(secret: string) => string>(
    (s) => `https://127.0.0.1/${s}`,
    (s) => `https://localhost/?k=${s}`,
    (s) => `https://${s}@example.com/`,
    (s) => `https://x:${s}@example.com/`,
    (s) => `http://example.com/${s}#${s}`,
    (s) => `https://example.com:99/${s}`,
    (s) => `ftp://${s}/`,
    (s) => `nonsense ${s}`,
    (s) => `https://example.com:bad/${s}`,
  );
  fc.assert(
    fc.property(secret, shapes, (word, shape) => {
      const result = guard.check(shape(word));
      expect(result.ok).toBe(false);
      expect(JSON.stringify(result)).not.toContain(word);
    }),
  );
});

describe("guardedLookup", () => {
  /** @returns the arguments of the lookup callback */
  function lookedUp(addresses: string[], options: { all?: boolean }) {
    const lookup = guardedLookup(async () => addresses);
    return new Promise<unknown[]>((resolve) => lookup("hooks.example", options, (...result) => resolve(result)));
  }
  const two = ["93.184.216.34", "2606:2800:220:1::1"];

  test("a lookup of all addresses returns every checked address", async () => {
    expect(await lookedUp(two, { all: true })).toEqual([
      null,
      [
        { address: two[0], family: 4 },
        { address: two[1], family: 6 },
      ],
    ]);
  });

  test("a lookup of one address returns the first address", async () => {
    expect(await lookedUp(two, {})).toEqual([null, two[0], 4]);
    expect(await lookedUp(two.slice(1), { all: false })).toEqual([null, two[1], 6]);
  });

  test.each([true, false])("a lookup returns a forbidden error if any address is not public (all: %s)", async (all) => {
    const [error, found] = await lookedUp([...two, "10.0.0.1"], { all });
    expect(error).toMatchObject({ name: "OutboundError", kind: "forbidden" });
    expect(found).toEqual([]);
  });
});

describe("reasons of a rejection", () => {
  test.each([
    ["no url", "not a valid URL"],
    ["ftp://app.test/", "only https is allowed"],
    ["http://app.test/", "app.test: only https is allowed"],
    ["https://app.test:8080/", "app.test: only port 443 or 8443 is allowed"],
    ["https://10.1.2.3/", "10.1.2.3: not a public address"],
    ["https://[::1]/", "[::1]: not a public address"],
    ["https://localhost/", "localhost: not a public name"],
    ["https://home.arpa/", "home.arpa: not a public name"],
    ["https://printer.home.arpa/", "printer.home.arpa: not a public name"],
    ["https://user:secret@app.test/", "app.test: must not contain user name and password"],
  ])("%s gets the reason %j, which tells nothing else of the URL", (url, why) => {
    expect(guard.check(url)).toEqual({ ok: false, why });
  });

  test("a host name has at most 253 characters", () => {
    const host = (length: number) => `${"a.".repeat((length - 5) / 2)}a.org`.slice(-length);
    expect([host(253).length, guard.check(`https://${host(253)}/`).ok]).toEqual([253, true]);
    expect(guard.check(`https://x${host(253)}/`)).toEqual({ ok: false, why: "the host name is too long" });
  });

  test("a name without an address is an error of the lookup", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    guardedLookup(async () => [])("app.test", { all: true }, resolve);
    expect(await promise).toMatchObject({ code: "ENODATA", message: "The name has no address." });
  });
});
