import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Snapshot, takeSnapshot } from "../../judgement/snapshot.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { RATIO_METRIC } from "../../model/profile.ts";
import { FINDING_CODES } from "../../proof/findings.ts";
import { type MetricsInput, renderMetrics } from "../../report/metrics.ts";

function render(over: Partial<MetricsInput> = {}): string {
  return renderMetrics({
    ratio: 1,
    counts: { full: 3, partial_ok: 0, fail: 0, unproven: 0, total: 3 },
    signatureStuck: 0,
    incidents: { died: 2, failed: 1, stopped: 0, resumed: 3 },
    findingCounts: {},
    findingCodes: FINDING_CODES,
    skipped: { freeze: 1, oscillation: 2, velocity: 3, cooldown: 4, no_op: 5 },
    snapshot: takeSnapshot([], marketMaker),
    profile: marketMaker,
    gatePassed: true,
    ...over,
  });
}

function value(text: string, name: string): string | undefined {
  return text.split("\n").find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
}

Deno.test("each metric but the ratio has its help and type before its samples, once", () => {
  const lines = render().trimEnd().split("\n").filter((line) => !line.includes(RATIO_METRIC));
  const seen = new Set<string>();
  let current = "";
  for (const line of lines) {
    const help = /^# HELP (\S+) \S/.exec(line)?.[1];
    if (help !== undefined) {
      assert(!seen.has(help), help);
      seen.add(current = help);
    } else if (line.startsWith("#")) {
      assertEquals(line, `# TYPE ${current} gauge`);
    } else {
      assertMatch(
        line,
        new RegExp(`^${current}(\\{[a-z]+="[A-Za-z_0-9]+"\\})? (NaN|-?[0-9.e+-]+)$`),
      );
    }
  }
});

Deno.test("the names that dashboards and CI rely on are there", () => {
  const text = render();
  const names = [
    "soak_delta_full_apply_ratio",
    "soak_delta_full_count",
    "soak_delta_partial_count",
    "soak_delta_fail_count",
    "soak_delta_proposed_count",
    "soak_delta_total_count",
    "soak_anomalies_count",
    "soak_guards_velocity_count",
    "soak_guards_cooldown_count",
    "soak_guards_oscillation_count",
    "soak_signature_stuck_count",
    "soak_kpi_risk_ratio_mean",
    "soak_kpi_maker_taker_mean",
    "soak_kpi_net_bps_mean",
    "soak_kpi_latency_p95_mean",
    "soak_freeze_ready",
    "soak_verdict_pass_count",
    "soak_gate_pass",
    'soak_incident_count{kind="died"}',
  ];
  for (const name of names) assert(value(text, name) !== undefined, name);
  assertStringIncludes(text, 'soak_skip_reason_count{reason="velocity"} 3\n');
  for (const code of FINDING_CODES) assertStringIncludes(text, `{code="${code}"} 0\n`);
});

Deno.test("a ratio is never rounded up to a threshold", () => {
  const ratio = (number: number | null): string | undefined =>
    value(render({ ratio: number }), "soak_delta_full_apply_ratio");
  assertEquals(ratio(1), "1.000000");
  assertEquals(ratio(0.9496), "0.949600");
  assertEquals(ratio(0.949999999), "0.949999999");
  assertEquals(ratio(null), "NaN");
});

Deno.test("a ratio has no exponent, before which a pattern for digits would stop", () => {
  const text = render({ ratio: 1 / 10_000_000 });
  assertEquals(/soak_delta_full_apply_ratio ([\d.]+)/.exec(text)?.[1], "0.00000010000000000000");
});

Deno.test("one line names the ratio, whatever a profile calls its KPIs and units", () => {
  const [first, ...rest] = marketMaker.kpis;
  assert(first !== undefined);
  const named = { ...first, key: RATIO_METRIC, unit: `${RATIO_METRIC} 1` };
  const text = render({ profile: { ...marketMaker, kpis: [named, ...rest] } });
  const lines = text.split("\n").filter((line) => line.includes("soak_delta_full_apply_ratio"));
  assertEquals(lines, ["soak_delta_full_apply_ratio 1.000000"]);
  assertStringIncludes(text, "\n# TYPE soak_kpi_risk_ratio_mean gauge\nsoak_kpi_risk_ratio_mean ");
});

Deno.test("of the verdicts, the one of the last iterations is 1", () => {
  const verdicts = (verdict: Snapshot["verdict"]): string[] =>
    render({ snapshot: { ...takeSnapshot([], marketMaker), verdict } }).split("\n")
      .filter((line) => line.startsWith("soak_verdict{"));
  assertEquals(verdicts("WARN"), [
    'soak_verdict{verdict="PASS"} 0',
    'soak_verdict{verdict="WARN"} 1',
    'soak_verdict{verdict="FAIL"} 0',
  ]);
  assertEquals(verdicts("FAIL")[2], 'soak_verdict{verdict="FAIL"} 1');
});

Deno.test("guards, anomalies and proposals are counted as the snapshot counts them", () => {
  const guards_last8 = { freeze: 1, oscillation: 2, velocity: 3, cooldown: 4, no_op: 5 };
  const snapshot = { ...takeSnapshot([], marketMaker), guards_last8, anomalies_count: 6 };
  const text = render({ snapshot });
  assertEquals(value(text, "soak_guards_oscillation_count"), "2");
  assertEquals(value(text, "soak_guards_velocity_count"), "3");
  assertEquals(value(text, "soak_guards_cooldown_count"), "4");
  assertEquals(value(text, "soak_anomalies_count"), "6");
  assertEquals(value(text, "soak_delta_proposed_count"), "3");
});

Deno.test("findings are counted by code, verdicts are 0 or 1", () => {
  const text = render({ findingCounts: { guard_ignored: 2 }, gatePassed: false });
  assertStringIncludes(text, 'soak_verify_finding_count{code="guard_ignored"} 2\n');
  assertEquals(value(text, "soak_gate_pass"), "0");
});

Deno.test("what was never measured is NaN, not zero", () => {
  assertEquals(value(render(), "soak_kpi_net_bps_mean"), "NaN");
});

Deno.test("a unit can't forge a line of the file, nor put anything raw into it", () => {
  const [first, ...rest] = marketMaker.kpis;
  const unit = 'ms"\\\nforged_metric 1\n\x1b[31m\u202e\u200b';
  assert(first !== undefined);
  const text = render({ profile: { ...marketMaker, kpis: [{ ...first, unit }, ...rest] } });
  assertStringIncludes(
    text,
    ', in ms"\\\\\\\\u000aforged_metric 1\\\\u000a\\\\u001b[31m\\\\u202e\\\\u200b.\n',
  );
  assertEquals(text.split("\n").length, render().split("\n").length);
});
