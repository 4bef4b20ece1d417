import { assertEquals } from "@std/assert";
import { tcpAddress } from "../../base/tcp_address.ts";

Deno.test("tcpAddress() reads a name or an address, and a port", () => {
  const cases: [string, string, number][] = [
    ["localhost:6379", "localhost", 6379],
    ["127.0.0.1:1", "127.0.0.1", 1],
    ["[::1]:65535", "::1", 65535],
    ["db-1.example.org:5432", "db-1.example.org", 5432],
  ];
  for (const [text, hostname, port] of cases) assertEquals(tcpAddress(text), { hostname, port });
});

Deno.test("tcpAddress() refuses any other text", () => {
  const wrong = ["", "6379", ":6379", "h", "h:", "h:0", "h:65536", "h:123456", "h:6379 ", "h:-1"];
  const worse = [
    "::1:6379",
    "[::1]",
    "[::1",
    "[]:1",
    "[1:2]:3",
    "http://h:1",
    "h:1/",
    "a b:1",
    "me@h:1",
  ];
  for (const text of [...wrong, ...worse, "1.2.3.4.5:6", "h:1\n"]) {
    assertEquals(tcpAddress(text), null, text);
  }
});
