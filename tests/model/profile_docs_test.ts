import { assert, assertEquals } from "@std/assert";
import { parseJson } from "../../base/json.ts";
import { isJsonObject } from "../../base/json_value.ts";
import { EMPTY_HISTORY, observeIteration } from "../../model/guards.ts";
import { applyDeltas } from "../../model/params.ts";
import type { KpiValues, Profile } from "../../model/profile.ts";
import { checkProfile, parseProfile, profileToJson } from "../../model/profile_check.ts";
import { PROFILE_SCHEMA, type SchemaNode } from "../../model/profile_schema.ts";
import { propose } from "../../run/tuner.ts";
import { inRepository } from "../kit/repository.ts";

const text = await Deno.readTextFile(inRepository("docs/profiles.md"));

function exampleProfile(): Profile {
  const document = parseJson(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? "", "docs/profiles.md");
  assertEquals(checkProfile(document), []);
  assert(isJsonObject(document));
  const { $schema: _, ...profile } = document;
  return parseProfile(profile, "docs/profiles.md");
}

Deno.test("docs/profiles.md: the example is a profile without mistakes or warnings", () => {
  assertEquals(exampleProfile().name, "thumbnails");
});

Deno.test("docs/profiles.md: the tuner proposes what the table says", () => {
  const profile = exampleProfile();
  const { parameters } = profile;
  const defaults = Object.fromEntries(parameters.map((p) => [p.key, p.default]));
  const runtime = applyDeltas({}, defaults, parameters).runtime;
  const rows = [...text.matchAll(/^\| (\d+) +\| ([\d.]+) +\| (.*?) +\|/gm)];
  assertEquals(rows.length, 4);
  for (const [, p95_latency_ms, cpu_ratio, proposal = ""] of rows) {
    const kpis = { p95_latency_ms: Number(p95_latency_ms), cpu_ratio: Number(cpu_ratio) };
    const iteration = { iteration: 1, timeMs: 0, kpisMet: kpis.p95_latency_ms <= 200 };
    const history = observeIteration(EMPTY_HISTORY, iteration);
    const expected = [...proposal.matchAll(/`(\w+)` → ([\d.]+)/g)]
      .map(([, key = "", value]) => [key, Number(value)] as const);
    assertEquals(propose({ profile, runtime, kpis, history }).deltas, Object.fromEntries(expected));
  }
});

Deno.test("docs/profiles.md: switches and lists are tuned as the table says", () => {
  const [, more = ""] = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json);
  const addition = JSON.parse(more);
  const base = exampleProfile();
  const profile = {
    ...base,
    parameters: [...base.parameters, ...addition.parameters],
    rules: addition.rules,
  };
  const document = profileToJson(profile);
  assertEquals(checkProfile(document).filter(({ severity }) => severity === "error"), []);
  const both = profileToJson({ ...profile, rules: [...base.rules, ...addition.rules] });
  assertEquals(checkProfile(both), []);
  const measured: Readonly<Record<string, KpiValues>> = {
    heavy: { p95_latency_ms: 260, cpu_ratio: 0.5 },
    busy: { p95_latency_ms: 180, cpu_ratio: 0.97 },
  };
  const rows = [
    ...text.matchAll(/^\| `"progressive":(\w+)`, `"format":"(\w+)"` +\| (\w+) +\| (.*?) +\|/gm),
  ];
  assertEquals(rows.length, 4);
  for (const [, progressive, format = "", rule = "", proposal = ""] of rows) {
    const values = { progressive: progressive === "true", format };
    const { runtime } = applyDeltas({}, values, profile.parameters);
    const history = observeIteration(EMPTY_HISTORY, { iteration: 1, timeMs: 0, kpisMet: false });
    const expected = [...proposal.matchAll(/`(\w+)` → (\w+)/g)]
      .map(([, key = "", value = ""]) => [key, value === "true" || value] as const);
    const { deltas } = propose({ profile, runtime, kpis: measured[rule] ?? {}, history });
    assertEquals(deltas, Object.fromEntries(expected));
  }
});

Deno.test("docs/profiles.md: every field is explained", () => {
  const fields = (node: SchemaNode): string[] => [
    ...Object.keys(node.properties ?? {}),
    ...Object.values(node.properties ?? {}).flatMap(fields),
    ...(node.items === undefined ? [] : fields(node.items)),
    ...(node.anyOf ?? []).flatMap(fields),
  ];
  for (const field of fields(PROFILE_SCHEMA)) {
    assert(text.includes(`\`${field}\``) || text.includes(`"${field}"`), field);
  }
});
