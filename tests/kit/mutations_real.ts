import type { JsonValue } from "../../base/json_value.ts";
import type { FindingCode } from "../../proof/findings.ts";
import { type Draft, type Forgery, summaryName } from "./forgery.ts";
import { damage, lie, type Mutation } from "./mutations.ts";

const MIDDLE = 6;
const RUN = "SOAK_RUN.json";
const PROGRESS = "RUN_IN_PROGRESS.json";

/** The settings of a command. */
export const REAL: Draft = {
  command: ["./bot"],
  timeout_seconds: 10,
  grace_seconds: 1,
  pause_seconds: 0,
  retries: 1,
  on_error: "continue",
  prometheus_url: null,
};

/** The settings of a service. */
export const SERVICE: Draft = {
  ...REAL,
  kind: "service",
  interval_seconds: 30,
  measure_command: "./measure",
  ready_url: null,
  ready_file: null,
  ready_timeout_seconds: 30,
  reload_signal: "SIGHUP",
  reload_command: null,
  reload_restart: false,
  max_restarts: 3,
};

/** What the settings of a service can't have been asked to be. */
const UNASKABLE: Readonly<Record<string, readonly JsonValue[]>> = {
  command: [[], [""], ["./bot", "a\0b"]],
  timeout_seconds: [0, 0.05, 86_401],
  grace_seconds: [-1, 3601],
  pause_seconds: [86_401],
  interval_seconds: [-1, 86_401],
  ready_timeout_seconds: [0],
  retries: [1_000_001, 0.5],
  max_restarts: [1_000_001],
  measure_command: ["", "a\0"],
  ready_file: ["", "a\0"],
  ready_url: ["", "no url", "file:///etc/passwd", "http://me:secret@localhost/"],
  prometheus_url: ["no url"],
};

/** What would be the same run of a real system, with other settings. */
export function become(run: Forgery, system: Draft): void {
  run.editJson(RUN, (draft) => {
    draft["mode"] = system["kind"] ?? null;
    draft["seed"] = null;
    draft["system"] = system;
    // A real iteration is measured when it ends, a simulated one when it begins.
    draft["started_utc"] = "2024-12-31T23:59:00Z";
  });
}

/** A forger who has a run of a service, and makes everything again that depends on the change. */
function forge(
  name: string,
  codes: FindingCode,
  change: (run: Forgery) => void,
  settings: Draft = {},
): Mutation {
  return lie(`re-signed, of a service: ${name}`, codes, async (run) => {
    become(run, { ...SERVICE, ...settings });
    change(run);
    await run.resign();
  });
}

/** Puts incidents into a summary: their kinds, with how often and why. */
export function happen(
  run: Forgery,
  i: number,
  ...incidents: readonly (readonly [kind: string, times: number, reason?: string])[]
): void {
  run.edit(i, (draft) => {
    draft.incidents = incidents.map(([kind, times, reason = "for a reason"]) => {
      return { kind, reason, times };
    });
  });
}

/** Makes an iteration one that could not be measured, because of a time-out. */
function fail(run: Forgery, i: number): void {
  run.edit(i, ({ summary, effective_params, tuning: { skip_reason: reason } }) => {
    summary["failure"] = "timed out";
    for (const key of Object.keys(summary)) {
      if (typeof summary[key] === "number") summary[key] = null;
    }
    summary.kpi_verdict = "FAIL";
    summary.kpi_reasons = ["risk_ratio", "maker_taker_ratio", "net_bps", "p95_latency_ms"]
      .map((key) => `${key} was not measured`);
    for (const key of Object.keys(effective_params)) delete effective_params[key];
    if (reason !== null) reason.note = "not measured: timed out";
  });
}

/** Removes the last summary, and says what has happened since the one before. */
export async function cutOff(
  run: Forgery,
  incidents: Draft[],
  system: Draft = SERVICE,
): Promise<void> {
  become(run, system);
  await run.resign();
  const { previous_hash } = run.read(run.iterations);
  run.remove(summaryName(run.iterations));
  run.files[PROGRESS] = JSON.stringify({ incidents, previous_hash });
}

/** Lies about a run of a real system that no honest run could have written. */
const lies: readonly Mutation[] = [
  forge("it died more often than it may", "restarts_excessive", (run) => {
    happen(run, MIDDLE, ["died", 500]);
  }),
  forge("it died more often than it may, in all", "restarts_excessive", (run) => {
    for (const i of [3, 5, 7, 9]) happen(run, i, ["died", 1]);
  }),
  forge("it died once more after each resume than it may", "restarts_excessive", (run) => {
    happen(run, 3, ["died", 4], ["stopped", 1], ["resumed", 1, "after an error"]);
    happen(run, 5, ["died", 2], ["stopped", 1], ["resumed", 1, "after an error"]);
    happen(run, 7, ["died", 1]);
  }),
  forge("more attempts failed than were made", "attempts_wrong", (run) => {
    happen(run, MIDDLE, ["failed", 2]);
  }),
  forge("more attempts failed than were made, over a resume", "attempts_wrong", (run) => {
    happen(run, MIDDLE, ["failed", 4], ["stopped", 1], ["resumed", 1, "after an error"]);
  }),
  forge("a failed measurement is told without its attempts", "attempts_wrong", (run) => {
    fail(run, 2);
  }),
  forge("a failed measurement is told with too few attempts", "attempts_wrong", (run) => {
    fail(run, 2);
    happen(run, 2, ["failed", 1, "timed out"]);
  }),
  forge("a failed measurement is told with other attempts", "attempts_wrong", (run) => {
    fail(run, 2);
    happen(run, 2, ["failed", 2, "was tired"]);
  }),
  forge("it stopped by an error and went on without a resume", "incident_untrue", (run) => {
    happen(run, MIDDLE, ["failed", 1], ["stopped", 1]);
  }),
  forge("a KPI without a target has no value", "kpi_unmeasured", (run) => {
    run.edit(MIDDLE, ({ summary }) => void (summary["slippage_bps_p95"] = null));
  }),
  forge("a query has no server", "settings_at_odds", (run) => {
    run.editJson(RUN, (draft) => void ask(draft, "kpis"));
  }),
  forge("a parameter's query has no server", "settings_at_odds", (run) => {
    run.editJson(RUN, (draft) => void ask(draft, "parameters"));
  }),
  forge("a server is never asked", "settings_at_odds", () => {}, {
    prometheus_url: "http://127.0.0.1:9090",
  }),
  forge("nothing measures a KPI", "settings_at_odds", (run) => {
    run.editJson(RUN, (draft) => void ask(draft, "kpis"));
  }, { prometheus_url: "http://127.0.0.1:9090", measure_command: null }),
  forge("time goes backwards", "time_backwards", (run) => {
    run.edit(MIDDLE, ({ summary }) => void (summary.runtime_utc = "2025-01-01T00:00:01Z"));
  }),
  forge("it was resumed before it had stopped", "incident_untrue", (run) => {
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"], ["stopped", 1]);
  }),
  forge("it was resumed after an error that did not end it", "incident_untrue", (run) => {
    happen(run, MIDDLE, ["resumed", 1, "after an error"]);
  }),
  forge("it was resumed for a reason of its own", "incident_untrue", (run) => {
    happen(run, MIDDLE, ["resumed", 1, "after lunch"]);
  }),
  forge("the same happened twice in a row and is told twice", "incident_untrue", (run) => {
    happen(run, MIDDLE, ["died", 1], ["died", 1]);
  }),
  forge("more happened than a summary tells one by one", "incident_untrue", (run) => {
    const all = Array.from({ length: 250 }, (_, i) =>
      [
        ["failed", 1, `for reason ${i}`],
        ["resumed", 1, "after an interruption"],
      ] as const);
    happen(run, MIDDLE, ...all.flat());
  }),
  forge("more happened than can be counted", "incident_untrue", (run) => {
    for (const i of [3, 5]) happen(run, i, ["resumed", 2 ** 53 - 1, "after an interruption"]);
  }),
  forge("it died and was resumed more often than it ended", "restarts_excessive", (run) => {
    happen(run, MIDDLE, ["died", 5], ["resumed", 5, "after an interruption"]);
  }, { max_restarts: 0 }),
  forge("more attempts failed after the last resume than were made", "attempts_wrong", (run) => {
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"], ["failed", 2]);
  }),
  forge("another version went on without a resume", "version_at_odds", (run) => {
    run.editJson(summaryName(MIDDLE), (draft) => void (draft["tool_version"] = "9.9.9"));
    run.editJson(summaryName(MIDDLE + 1), (draft) => void (draft["tool_version"] = "9.9.9"));
  }),
  forge("it claims a longer interval than went by", "time_too_short", () => {}, {
    interval_seconds: 3600,
  }),
  forge("it claims a longer pause than went by", "time_too_short", () => {}, {
    pause_seconds: 400,
  }),
  forge("the first interval is left out", "time_too_short", (run) => {
    run.edit(1, ({ summary }) => void (summary.runtime_utc = "2024-12-31T23:59:20Z"));
  }),
  forge("the interval after a resume is left out", "time_too_short", (run) => {
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"]);
    run.edit(MIDDLE, ({ summary }) => {
      summary.runtime_utc = run.read(MIDDLE - 1).summary.runtime_utc.replace(":00Z", ":29Z");
    });
  }),
  lie("re-signed, of a command: a service died", "incident_untrue", async (run) => {
    become(run, { ...REAL, kind: "exec" });
    happen(run, MIDDLE, ["died", 1]);
    await run.resign();
  }),
  lie("re-signed: a simulated system died", "incident_untrue", async (run) => {
    happen(run, MIDDLE, ["died", 1]);
    await run.resign();
  }),
  lie("re-signed: a simulated run was resumed", "incident_untrue", async (run) => {
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"]);
    await run.resign();
  }),
  lie("re-signed: simulated time goes by more slowly", "settings_at_odds", async (run) => {
    run.editJson(RUN, (draft) => {
      draft["system"] = { kind: "mock", fault: null, iteration_seconds: 3600 };
    });
    for (const i of run.all) {
      const utc = new Date(Date.UTC(2025, 0, 1, i - 1)).toISOString().replace(".000", "");
      run.edit(i, ({ summary }) => void (summary.runtime_utc = utc));
    }
    await run.resign();
  }),
  lie("an unfinished run tells of too many deaths", "restarts_excessive", async (run) => {
    await cutOff(run, [{ kind: "died", reason: "was killed by SIGSEGV", times: 5 }]);
  }),
  lie("an unfinished run tells of too many attempts", "attempts_wrong", async (run) => {
    await cutOff(run, [{ kind: "failed", reason: "timed out", times: 4 }]);
  }),
  lie("an unfinished run stopped twice at once", "incident_untrue", async (run) => {
    await cutOff(run, [{ kind: "stopped", reason: "timed out", times: 2 }]);
  }),
  lie("an unfinished command's service died", "incident_untrue", async (run) => {
    const incident = { kind: "died", reason: "was killed by SIGSEGV", times: 1 };
    await cutOff(run, [incident], { ...REAL, kind: "exec" });
  }),
];

function ask(draft: Draft, part: "kpis" | "parameters"): void {
  const profile = draft["profile"] as Record<string, Draft[]>;
  draft["profile"] = {
    ...profile,
    name: "with-queries",
    [part]: profile[part]?.map((item, i) => i === 0 ? { ...item, query: "up" } : item) ?? null,
  };
}

const damages: readonly Mutation[] = [
  damage("nothing tells how an unfinished run ended", "progress_missing", async (run) => {
    await cutOff(run, []);
    run.remove(PROGRESS);
  }),
  damage(
    "what tells how an unfinished run ended is damaged",
    "progress_unreadable",
    async (run) => {
      await cutOff(run, []);
      run.editText(PROGRESS, (text) => text.slice(1));
    },
  ),
  damage(
    "what tells how an unfinished run ended is another's",
    "progress_unexpected",
    async (run) => {
      await cutOff(run, []);
      run.files[PROGRESS] = JSON.stringify({ incidents: [], previous_hash: "0".repeat(64) });
    },
  ),
  damage(
    "what tells how a run ended is there though it is finished",
    "progress_unexpected",
    async (run) => {
      become(run, SERVICE);
      await run.resign();
      run.files[PROGRESS] = JSON.stringify({ incidents: [], previous_hash: "0".repeat(64) });
    },
  ),
  damage("an incident of a kind that there is not", "progress_unreadable", async (run) => {
    await cutOff(run, [{ kind: "bored", reason: "nothing to do", times: 1 }]);
  }),
  damage("a service has two ways to reload", "run_unreadable", (run) => {
    become(run, { ...SERVICE, reload_restart: true });
  }),
  damage("a service has two signs of readiness", "run_unreadable", (run) => {
    become(run, { ...SERVICE, ready_url: "http://127.0.0.1/", ready_file: "ready" });
  }),
  damage("nothing measures a service", "run_unreadable", (run) => {
    become(run, { ...SERVICE, measure_command: null });
  }),
  ...Object.entries(UNASKABLE).flatMap(([name, values]) =>
    values.map((value) =>
      damage(`no command line gives ${name} ${JSON.stringify(value)}`, "run_unreadable", (run) => {
        become(run, { ...SERVICE, [name]: value });
      })
    )
  ),
  damage("the version that started the run is empty", "run_unreadable", (run) => {
    become(run, SERVICE);
    run.editJson(RUN, (draft) => void (draft["tool_version"] = ""));
  }),
  damage("the version that made a summary is empty", "summary_unreadable", (run) => {
    run.editJson(summaryName(MIDDLE), (draft) => void (draft["tool_version"] = ""));
  }),
  damage("a summary tells of no incidents at length", "summary_unreadable", (run) => {
    run.edit(MIDDLE, (draft) => void (draft.incidents = []));
  }),
];

/** Every way to tell what a run of a real system can't have seen. */
export const REAL_MUTATIONS: readonly Mutation[] = [...lies, ...damages];
