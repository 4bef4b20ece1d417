import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { osError, osErrorCode, SoakError } from "../../base/errors.ts";
import { posix } from "../kit/posix.ts";
import { assertOneLine } from "../kit/texts.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

/** What a file call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** An error as the runtime makes it: with the system's words, a number and perhaps a code. */
function systemError(text: string, code?: string): Error {
  const error = new Error(`${text} (os error 28)`);
  return code === undefined ? error : Object.assign(error, { code });
}

Deno.test("SoakError puts place and remedy into its message, where there are any", () => {
  const messages = [
    new SoakError("usage", "no such key"),
    new SoakError("usage", "no such key", { where: "tail_age" }),
    new SoakError("usage", "no such key", { remedy: "see soak params" }),
    new SoakError("usage", "no such key", { where: "tail_age", remedy: "see soak params" }),
  ].map(({ message }) => message);
  assertEquals(messages, [
    "no such key",
    "no such key (tail_age)",
    "no such key; see soak params",
    "no such key (tail_age); see soak params",
  ]);
});

Deno.test("SoakError keeps its parts and its cause", () => {
  const cause = new Error("why");
  const error = new SoakError("artifact", "bad", { where: "a", remedy: "b", cause });
  const { name, kind, what, where, remedy } = error;
  assertEquals([name, kind, what, where, remedy], ["SoakError", "artifact", "bad", "a", "b"]);
  assertStrictEquals(error.cause, cause);
  assert(!("cause" in new SoakError("usage", "bad")));
});

Deno.test("osError() says what failed, on which file, why, and what to do", () => {
  const full = systemError("No space left on device", "ENOSPC");
  const error = osError("cannot write the file", "run/a.json", full);
  assertEquals(
    error.message,
    "cannot write the file: no space left on device (run/a.json); free some space and run again",
  );
  assertEquals(error.kind, "system");
  assertStrictEquals(error.cause, full);
  assertEquals(osError("cannot read the file", "a", full, "artifact").kind, "artifact");
});

Deno.test("osError() has a remedy for what the runtime gives a code, and for what it doesn't", () => {
  const cases: [string | undefined, string, string][] = [
    ["ENOSPC", "x", "free some space and run again"],
    [undefined, "No space left on device", "free some space and run again"],
    ["EDQUOT", "x", "free some space or raise the quota, and run again"],
    [undefined, "Disk quota exceeded", "free some space or raise the quota, and run again"],
    ["EROFS", "x", "use another folder, or remount the file system for writing"],
    [
      undefined,
      "Read-only file system",
      "use another folder, or remount the file system for writing",
    ],
    ["EIO", "x", "check the disk's health before running again"],
    [undefined, "Input/output error", "check the disk's health before running again"],
    ["EMFILE", "x", "raise the limit on open files (ulimit -n) and run again"],
    ["ENFILE", "x", "raise the limit on open files (ulimit -n) and run again"],
    [undefined, "Too many open files", "raise the limit on open files (ulimit -n) and run again"],
    ["EFBIG", "x", "raise the limit on file size (ulimit -f) and run again"],
    [undefined, "File too large", "raise the limit on file size (ulimit -f) and run again"],
    ["EACCES", "x", "check who may read and write the file and its folder"],
    ["EPERM", "x", "check who may read and write the file and its folder"],
    ["EEXIST", "x", "move what is in the way, or choose another path"],
    ["ENOENT", "x", "check the path, and create the folder if it is missing"],
    ["ENOTDIR", "x", "check the path"],
    ["ELOOP", "x", "check the path"],
    ["ENAMETOOLONG", "x", "check the path"],
    ["EISDIR", "x", "check the path"],
    ["EBUSY", "x", "stop what is using the file and run again"],
    ["ENOLCK", "x", "use a file system that has file locks"],
    [undefined, "Operation not supported", "use a file system that has file locks"],
    ["EWHATEVER", "x", "run again"],
    [undefined, "x", "run again"],
  ];
  for (const [code, text, remedy] of cases) {
    assertEquals(osError("cannot", "a", systemError(text, code)).remedy, remedy, code ?? text);
  }
});

Deno.test("osError() uses the system's words without the number and path after them", {
  ignore: !posix,
}, () => {
  const missing = thrown(() => Deno.statSync("/no/such/file"));
  assertEquals(
    osError("cannot look", "/no/such/file", missing).message,
    "cannot look: no such file or directory (/no/such/file); " +
      "check the path, and create the folder if it is missing",
  );
  const inTheWay = thrown(() => Deno.mkdirSync("/"));
  assertInstanceOf(inTheWay, Error);
  assert(inTheWay.message.includes("'/'"), "the runtime's own message has the path");
  assertEquals(osError("cannot create", "/", inTheWay).what, "cannot create: file exists");
  // The runtime has no number for this one, and the path only when it may do all.
  const words = "file name contained an unexpected NUL byte";
  for (const error of [new TypeError(words), new TypeError(`${words}: open 'nul\0'`)]) {
    assertEquals(osError("cannot open", "nul\0", error).what, `cannot open: ${words}`);
  }
});

Deno.test("osError() cuts a long cause short", () => {
  const { what } = osError("cannot", "a", new Error("x".repeat(1e5)));
  assertEquals(what, `cannot: ${"x".repeat(200)}…`);
});

Deno.test("osError() returns an error that is in words already as it is", () => {
  const error = new SoakError("artifact", "a FIFO, not a regular file");
  assertStrictEquals(osError("cannot read the file", "a", error), error);
});

Deno.test("osError() tells a permission that the program lacks from one that the user lacks", () => {
  const flagged = new Deno.errors.NotCapable('Requires write access to "a", use --allow-write');
  const error = osError("cannot write the file", "a", flagged, "artifact");
  assertEquals(error.kind, "system");
  assertEquals(
    error.message,
    "cannot write the file: not permitted to this program (a); run it with --allow-write",
  );
  const unflagged = new Deno.errors.NotCapable("Requires all access");
  assertEquals(osError("cannot", "a", unflagged).remedy, "run it with --allow-all");
});

Deno.test("osError() is one line, whatever was thrown and whatever the path", () => {
  assertEquals(osError("cannot", "a", "Thrown text").what, "cannot: thrown text");
  assertEquals(osError("cannot", "a", undefined).what, "cannot: undefined");
  const text = fc.string({ unit: "binary", maxLength: 500, size: "max" });
  fc.assert(fc.property(text, text, fc.boolean(), (path, cause, isError) => {
    assertOneLine(osError("cannot", path, isError ? new Error(cause) : cause).message);
  }));
});

Deno.test("osErrorCode() tells the system's own name for an error, if it has one", () => {
  assertEquals(osErrorCode(thrown(() => Deno.statSync("/no/such/file"))), "ENOENT");
  assertEquals(osErrorCode(systemError("x", "ENOSPC")), "ENOSPC");
  const without = [new Error("x"), Object.assign(new Error("x"), { code: 2 }), { code: "EIO" }, 5];
  for (const error of [...without, undefined, null]) assertEquals(osErrorCode(error), undefined);
});
