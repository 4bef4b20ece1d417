import type { JsonValue } from "../../base/json_value.ts";
import type { FindingCode } from "../../proof/findings.ts";
import { type Draft, type Forgery, summaryName } from "./forgery.ts";
import { damage, lie, type Mutation } from "./mutations.ts";
import { become, cutOff, happen, REAL, SERVICE } from "./mutations_real.ts";

const MIDDLE = 6;
const RUN = "SOAK_RUN.json";
const PROGRESS = "RUN_IN_PROGRESS.json";

/** Puts changes of settings into a summary. */
function change(run: Forgery, i: number, ...settings: JsonValue[]): void {
  run.editJson(summaryName(i), (draft) => void (draft["settings"] = settings));
}

/** A forger who makes everything again that depends on the change. */
function forge(
  name: string,
  codes: FindingCode | FindingCode[],
  apply: (run: Forgery) => void,
): Mutation {
  return lie(`re-signed: ${name}`, codes, async (run) => {
    apply(run);
    await run.resign();
  });
}

/** The same with a run of a service, that was resumed after an interruption in the middle. */
function ofService(
  name: string,
  codes: FindingCode | FindingCode[],
  ...settings: JsonValue[]
): Mutation {
  return forge(`of a service that was resumed: ${name}`, codes, (run) => {
    become(run, SERVICE);
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"]);
    change(run, MIDDLE, ...settings);
  });
}

function unreadable(name: string, field: string, value: JsonValue): Mutation {
  return damage(name, "run_unreadable", async (run) => {
    run.editJson(RUN, (draft) => void (draft[field] = value));
    await run.resign();
  });
}

/** A profile of another name, with a start. */
function named(run: Forgery, start: Draft): void {
  run.editJson(RUN, (draft) => {
    const profile = draft["profile"] as Draft;
    draft["profile"] = { ...profile, name: "with-a-start", starts: { quick: start } };
    draft["start"] = "quick";
  });
}

const starts: readonly Mutation[] = [
  forge("a start that the profile does not name", "start_untrue", (run) => {
    run.editJson(RUN, (draft) => void (draft["start"] = "quick"));
  }),
  forge("a start that it did not have", "start_untrue", (run) => {
    named(run, { tail_age_ms: 660 });
  }),
  unreadable("a start is no name", "start", 7),
  lie("a start is claimed afterwards", "record_chain_broken", (run) => {
    named(run, {});
  }),
];

const warmUps: readonly Mutation[] = [
  lie("a warm-up is claimed afterwards", "record_chain_broken", (run) => {
    run.editJson(RUN, (draft) => void (draft["warmup"] = 4));
  }),
  unreadable("a warm-up of none is told", "warmup", 0),
  unreadable("a warm-up is text", "warmup", "4"),
  unreadable("a warm-up is negative", "warmup", -1),
  unreadable("a warm-up is no whole number", "warmup", 1.5),
  damage("a warm-up leaves too little to judge", "run_unreadable", async (run) => {
    run.editJson(RUN, (draft) => void (draft["warmup"] = run.iterations - 3));
    await run.resign();
  }),
];

const changes: readonly Mutation[] = [
  lie("more iterations are claimed afterwards, in a summary", "record_chain_broken", (run) => {
    change(run, MIDDLE, { iterations: 99 });
  }),
  forge("fewer iterations from the middle on", "settings_change_wrong", (run) => {
    change(run, MIDDLE, { iterations: MIDDLE });
  }),
  forge("as many iterations as before", "settings_change_wrong", (run) => {
    change(run, MIDDLE, { iterations: run.iterations });
  }),
  forge("a simulated run tells of a resume's settings", "settings_change_wrong", (run) => {
    change(run, MIDDLE, { iterations: 99, resume: 1 });
  }),
  forge("a simulated run changes twice at once", "settings_change_wrong", (run) => {
    change(run, MIDDLE, { iterations: 98 }, { iterations: 99 });
  }),
  forge("a simulated run gets retries", "settings_change_wrong", (run) => {
    change(run, MIDDLE, { retries: 3 });
  }),
  damage("re-signed: more iterations than there are", "run_incomplete", async (run) => {
    change(run, MIDDLE, { iterations: 99 });
    await run.resign();
  }),
  ...([
    ["an unknown setting", [{ colour: 1 }]],
    ["a setting that gives the run another meaning", [{ interval_seconds: 1 }]],
    ["another reaction to errors", [{ on_error: "continue" }]],
    ["another seed", [{ seed: 2 }]],
    ["nothing", [{}]],
    ["no change", []],
    ["a resume alone", [{ resume: 1 }]],
    ["a number that is none", [{ iterations: "99" }]],
    ["a value that can't be asked for", [{ timeout_seconds: 0 }]],
    ["too many iterations", [{ iterations: 2e9 }]],
  ] as const).map(([name, settings]) =>
    damage(`re-signed: a change of ${name}`, "summary_unreadable", async (run) => {
      become(run, SERVICE);
      happen(run, MIDDLE, ["resumed", 1, "after an interruption"]);
      change(run, MIDDLE, ...settings);
      await run.resign();
    })
  ),
  forge("of a service: settings change without a resume", "settings_change_wrong", (run) => {
    become(run, SERVICE);
    change(run, MIDDLE, { retries: 3, resume: 1 });
  }),
  ofService("by a resume that there was not", "settings_change_wrong", { retries: 3, resume: 2 }),
  ofService("by no resume", "settings_change_wrong", { retries: 3 }),
  ofService("to what was in force", "settings_change_wrong", { max_restarts: 3, resume: 1 }),
  ofService("fewer iterations", "settings_change_wrong", { iterations: MIDDLE, resume: 1 }),
  ofService(
    "twice by one resume",
    "settings_change_wrong",
    { retries: 3, resume: 1 },
    { retries: 4, resume: 1 },
  ),
  forge("of a command: it may be started again", "settings_change_wrong", (run) => {
    become(run, { ...REAL, kind: "exec" });
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"]);
    change(run, MIDDLE, { max_restarts: 5, resume: 1 });
  }),
  forge("of a service: it died before it was let", "restarts_excessive", (run) => {
    become(run, SERVICE);
    happen(run, MIDDLE, ["died", 6], ["resumed", 1, "after an interruption"]);
    change(run, MIDDLE, { max_restarts: 9, resume: 1 });
  }),
  forge("of a service: it died more often than it was let later", "restarts_excessive", (run) => {
    become(run, SERVICE);
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"], ["died", 7]);
    change(run, MIDDLE, { max_restarts: 6, resume: 1 });
  }),
  forge("of a service: more failed than later retries make", "attempts_wrong", (run) => {
    become(run, SERVICE);
    happen(run, MIDDLE, ["resumed", 1, "after an interruption"], ["failed", 1]);
    change(run, MIDDLE, { retries: 0, resume: 1 });
  }),
  forge("of a service: it goes on after an end that it has not had", "incident_untrue", (run) => {
    become(run, SERVICE);
    happen(run, MIDDLE, ["resumed", 1, "after it was finished"]);
  }),
  lie("an unfinished run is to have fewer iterations", "settings_change_wrong", async (run) => {
    await cutOff(run, [{ kind: "resumed", reason: "after an interruption", times: 1 }]);
    run.editJson(PROGRESS, (draft) => void (draft["settings"] = [{ iterations: 2, resume: 1 }]));
  }),
  lie("an unfinished run changes without a resume", "settings_change_wrong", async (run) => {
    await cutOff(run, []);
    run.editJson(PROGRESS, (draft) => void (draft["settings"] = [{ retries: 9, resume: 1 }]));
  }),
];

/** Every way to lie about the warm-up, the start, or settings that changed. */
export const SETTINGS_MUTATIONS: readonly Mutation[] = [...starts, ...warmUps, ...changes];
