import { assert, assertEquals } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { inRepository } from "./kit/repository.ts";
import { tempDir } from "./kit/temp_dir.ts";

/**
 * Who may import whom. A room is a folder, or a file that stands at the root. A file may also import
 * from its own room, and any may import packages and `deno.json`. New files need no edit here.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // What both wings stand on.
  base: [],
  model: ["base"],
  record: ["base", "model"],
  // The wing that reads records: it reaches neither the loop, nor the tuner, nor any system.
  proof: ["base", "model", "record"],
  judgement: ["base", "model", "record", "proof"],
  report: ["base", "model", "record", "proof", "judgement"],
  // The wing that makes records.
  system: ["base", "model"],
  run: ["base", "model", "record", "system"],
  // The doors: public API, which no folder but the command line's looks at from inside.
  "jsonx.ts": ["base"],
  "params.ts": ["base", "model"],
  "pipeline.ts": ["base", "model", "run"],
  "verify.ts": ["base", "model", "record", "proof"],
  "gate.ts": ["base", "model", "record", "proof", "judgement", "report"],
  "mod.ts": [
    ...["jsonx.ts", "params.ts", "pipeline.ts", "verify.ts", "gate.ts"],
    ...["base", "model", "record", "run"],
  ],
  // The command line.
  cli: ["base", "model", "record", "proof", "judgement", "report", "system", "run", "gate.ts"],
  "main.ts": ["cli"],
  // What stands outside; tests never reach a script.
  std: [],
  examples: [],
  tests: [
    ...["base", "model", "record", "proof", "judgement", "report", "system", "run", "cli"],
    ...["jsonx.ts", "params.ts", "pipeline.ts", "verify.ts", "gate.ts", "mod.ts", "main.ts"],
  ],
  scripts: ["base", "model", "record", "proof", "judgement", "report", "system", "run", "tests"],
};

/** Folders that hold no source. */
const OUTSIDE = ["node_modules", "dist", "coverage", "artifacts"];

/** Every kind of file that can import. */
const SOURCE = /\.[cm]?[jt]sx?$/;

/** Two files of the repository, the first of which imports the second. */
interface Import {
  readonly from: string;
  readonly to: string;
}

/** The paths of all source files below a folder, as the repository names them. */
function sourcesBelow(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(join(folder, prefix))].flatMap((entry) => {
    const { name, isDirectory, isFile, isSymlink } = entry;
    const path = prefix === "" ? name : `${prefix}/${name}`;
    assert(!isSymlink, `${path} is a link: what it leads to has another room`);
    if (isDirectory) {
      const skip = name.startsWith(".") || (prefix === "" && OUTSIDE.includes(name));
      return skip ? [] : sourcesBelow(folder, path);
    }
    return isFile && SOURCE.test(name) ? [path] : [];
  }).sort();
}

/** What `deno info` tells of a module: its imports, of types and dynamic ones too, resolved. */
interface ModuleInfo {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** Every import between files of the repository, as the runtime itself reads and resolves them. */
async function importsIn(repository: string, sources: readonly string[]): Promise<Import[]> {
  await using temp = await tempDir();
  const entry = temp.file("all.ts");
  const urls = sources.map((path) => toFileUrl(join(repository, path)).href);
  Deno.writeTextFileSync(entry, urls.map((url) => `import ${JSON.stringify(url)};`).join("\n"));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", inRepository("deno.json"), entry],
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { modules }: { modules: readonly ModuleInfo[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const pathOf = new Map(urls.map((url, i) => [url, sources[i] ?? ""]));
  const imports: Import[] = [];
  for (const { specifier, error, dependencies = [] } of modules) {
    const from = pathOf.get(specifier);
    if (from === undefined) continue;
    assertEquals(error, undefined, from);
    for (const { code, type } of dependencies) {
      const target = (code?.specifier ?? type?.specifier ?? "").replace(/[?#].*$/, "");
      if (/^(npm|node|jsr):|\/(deno|tsconfig)\.json$/.test(target)) continue;
      // A source that is not listed could lead anywhere.
      const to = pathOf.get(target);
      assert(to !== undefined, `${from} imports ${target}, which has no room`);
      imports.push({ from, to });
    }
  }
  return imports;
}

function roomOf(path: string): string {
  return path.split("/", 1)[0] ?? "";
}

/** The imports that the table does not allow, each in words. */
function forbidden(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    // What is linked in `std` is a package: all may import it, and it may import none of ours.
    const allowed = room === other || other === "std" || MAY_IMPORT[room]?.includes(other);
    return allowed ? [] : [`${from} imports ${to}`];
  });
}

/** The files of a circle of imports, in order; `null` if there is none. */
function circleIn(imports: readonly Import[]): readonly string[] | null {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): readonly string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const { to } of targets.get(file) ?? []) {
      const circle = walk(to, [...way, file]);
      if (circle !== null) return circle;
    }
    done.add(file);
    return null;
  };
  for (const file of targets.keys()) {
    const circle = walk(file, []);
    if (circle !== null) return circle;
  }
  return null;
}

const repository = inRepository(".");
const sources = sourcesBelow(repository);

Deno.test("every file has a room, and every room's files import only what the table allows", async () => {
  const rooms = new Set(sources.map(roomOf));
  assertEquals([...rooms].sort(), Object.keys(MAY_IMPORT).sort());
  const imports = await importsIn(repository, sources);
  assert(imports.length > sources.length, "imports are found");
  assertEquals(forbidden(imports), []);
  assertEquals(circleIn(imports), null);
});

/** These have imports in programs that they start, of packages to compare with, or in patterns. */
const COMPUTES_IMPORTS = [
  "scripts/gate_ratios.ts",
  "scripts/json_bench.ts",
  "tests/e2e/races_test.ts",
  "tests/house_test.ts",
];

Deno.test("no import hides its target from this test", () => {
  for (const path of sources) {
    const text = Deno.readTextFileSync(join(repository, path));
    const computed = /\bimport\s*\((?!\s*"[^"]*"\s*[,)])/.exec(text)?.[0];
    if (!COMPUTES_IMPORTS.includes(path)) assertEquals(computed, undefined, path);
    if (/^(tests|scripts|examples)\//.test(path)) continue;
    const detour = /\bimport\.meta(?!\.main\b)|\bcreateRequire\b|\bnew Worker\b/.exec(text)?.[0];
    assertEquals(detour, undefined, path);
  }
});

Deno.test("CONTRIBUTING.md shows the table as it is, and lists every file of every room", () => {
  const text = Deno.readTextFileSync(inRepository("CONTRIBUTING.md"));
  const [, house = "", list = ""] = text.split(/^## The house$|^### What is where$/m);
  const compared = [...house.matchAll(/^([a-z.]+?)\/? {2,}.*? {2,}([a-z ]+)$/gm)].flatMap(
    ([, room = "", column = ""]) => {
      const shown = column === "nothing" ? [] : column.split(" ");
      if (!shown.every((name) => Object.hasOwn(MAY_IMPORT, name))) return [];
      assertEquals(shown, MAY_IMPORT[room], room);
      return [room];
    },
  );
  assertEquals(compared.length, 14, compared.join());
  const listed: string[] = [];
  let room = "";
  for (const line of (list.split("```")[1] ?? "").split("\n")) {
    room = /^([a-z]+)\/$/.exec(line)?.[1] ?? room;
    const file = /^ {2}(\w+) {2,}\S/.exec(line)?.[1];
    if (file !== undefined) listed.push(`${room}/${file}.ts`);
  }
  const rooms = new Set(listed.map(roomOf));
  assertEquals(listed.toSorted(), sources.filter((path) => rooms.has(roomOf(path))));
  assertEquals(rooms.size, 9);
});

Deno.test("rooms are one level deep, and at most twenty stand at the root", () => {
  const code = sources.filter((path) => !/^(tests|examples|std)\//.test(path));
  assertEquals(code.filter((path) => path.split("/").length > 2), []);
  assert(new Set(sources.map(roomOf)).size <= 20);
});

Deno.test("an import upward, from beside, of a door or of a script is noticed", () => {
  const cases: readonly (readonly [from: string, to: string])[] = [
    ["base/json.ts", "model/params.ts"],
    ["record/artifacts.ts", "proof/verify.ts"],
    ["proof/auditor.ts", "run/tuner.ts"],
    ["judgement/snapshot.ts", "system/mock.ts"],
    ["report/explain.ts", "run/run.ts"],
    ["system/mock.ts", "record/records.ts"],
    ["model/guards.ts", "jsonx.ts"],
    ["report/metrics.ts", "gate.ts"],
    ["cli/run.ts", "mod.ts"],
    ["gate.ts", "run/run.ts"],
    ["tests/run/run_test.ts", "scripts/crash.ts"],
    ["run/run.ts", "tests/kit/temp_dir.ts"],
  ];
  for (const [from, to] of cases) {
    assertEquals(forbidden([{ from, to }]), [`${from} imports ${to}`]);
  }
  assertEquals(forbidden([{ from: "run/run.ts", to: "record/artifacts.ts" }]), []);
});

Deno.test("imports of every kind are seen, and a circle of them too", async () => {
  await using temp = await tempDir();
  const files: Readonly<Record<string, string>> = {
    "base/a.ts": 'import type { B } from "../model/b.ts";\nexport type A = B;\n',
    "model/b.ts": 'export type { C as B } from "../run/c.ts";\n',
    "run/c.ts": 'export type C = 1;\nexport const late = () => import("../base/a.ts");\n',
    "run/d.ts": '/** @example import "../cli/x.ts" */\nimport "./c.ts";\n',
  };
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(temp.file(path.split("/", 1)[0] ?? ""), { recursive: true });
    await Deno.writeTextFile(temp.file(path), text);
  }
  const found = sourcesBelow(temp.path);
  assertEquals(found, Object.keys(files));
  const imports = await importsIn(temp.path, found);
  assertEquals(imports.map(({ from, to }) => `${from} > ${to}`).sort(), [
    "base/a.ts > model/b.ts",
    "model/b.ts > run/c.ts",
    "run/c.ts > base/a.ts",
    "run/d.ts > run/c.ts",
  ]);
  assertEquals(circleIn(imports), ["base/a.ts", "model/b.ts", "run/c.ts", "base/a.ts"]);
  assertEquals(forbidden(imports), [
    "base/a.ts imports model/b.ts",
    "model/b.ts imports run/c.ts",
  ]);
});
