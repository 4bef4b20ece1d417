import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  countIncidents,
  type Incident,
  type IncidentKind,
  NO_INCIDENTS,
  RESUMED_AFTER,
  withIncident,
} from "../../model/incident.ts";
import {
  type ChangedSettings,
  type RunSettings,
  settingsAfter,
  type SettingsChange,
} from "../../model/changed_settings.ts";
import { auditIncidents, auditPending, type InForceThen } from "../../proof/audit_incidents.ts";
import type { RunRecord } from "../../record/records.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { completeSystem, type OnError } from "../../model/system_spec.ts";

function serviceRun(retries: number, onError: OnError, maxRestarts: number): RunRecord {
  const system = completeSystem({
    ...{ kind: "service", command: ["./bot"], measureCommand: "./measure" },
    ...{ retries, onError, maxRestarts },
  });
  return {
    ...{ toolVersion: "0", system, seed: null, iterations: 1e6, autoTune: true },
    ...{ startedUtc: "2025-01-01T00:00:00Z", initialHash: "", profile: marketMaker },
  };
}

/** What a service does next; a run goes through many of these. */
type Event =
  | "measures"
  | "dies"
  | "fails"
  | "is killed with soak"
  | "is cut off with soak"
  | "is told of nowhere"
  | "changes its runtime"
  | "can't be started"
  | typeof OTHERWISE;

/** Soak is killed, and goes on with other settings. */
const OTHERWISE = "goes on with other settings";

const EVENT: fc.Arbitrary<Event> = fc.constantFrom(
  ...([
    "measures",
    "dies",
    "fails",
    "fails",
    "is killed with soak",
    "is cut off with soak",
    "is told of nowhere",
    "changes its runtime",
    "can't be started",
    OTHERWISE,
  ] as const),
);

/** A run as it is told: a model of the loop, in which everything that can happen does. */
class Model {
  readonly problems: string[] = [];
  readonly #stops: boolean;
  /** The settings at the last record, and how they changed since. */
  #settings: RunSettings;
  #changes: readonly SettingsChange[] = [];
  #list: readonly Incident[] = [];
  #before = NO_INCIDENTS;
  #attempt = 1;

  constructor(retries: number, onError: OnError, most: number) {
    this.#settings = serviceRun(retries, onError, most);
    this.#stops = onError === "stop";
  }

  take(event: Event, reason: string): void {
    const stops = this.#stops;
    const { system } = this.#changes.reduce(settingsAfter, this.#settings);
    if (system.kind !== "service") return;
    const { retries, maxRestarts: most } = system;
    switch (event) {
      case "measures":
        return this.#record(null);
      case "is killed with soak":
        return this.#resume(RESUMED_AFTER.interruption);
      case OTHERWISE:
        this.#change(reason === "a" ? { retries: retries ^ 1 } : { maxRestarts: most ^ 2 });
        return this.#resume(RESUMED_AFTER.interruption);
      case "is cut off with soak":
        return this.#resume(RESUMED_AFTER.cutOff);
      case "is told of nowhere":
        this.#list = withIncident([], "failed", reason);
        return this.#resume(RESUMED_AFTER.unknown);
      case "changes its runtime": // after whatever attempts there were
      case "can't be started":
        this.#note("failed", reason);
        return this.#stop(reason);
      case "dies":
        this.#note("died", reason);
        if (countIncidents(this.#list, this.#before).died <= most) return;
        // The next one fails for it, unless soak ends before it is asked for.
        if (reason === "c") return this.#resume(RESUMED_AFTER.interruption);
        this.#note("failed", reason);
        return this.#stop(reason);
      case "fails":
        this.#note("failed", reason);
        if (this.#attempt++ <= retries) return;
        if (stops) return this.#stop(reason);
        // What is thrown away as the runtime was changed may have failed already.
        if (reason === "b") return this.take("changes its runtime", reason);
        return this.#record(reason);
    }
  }

  #note(kind: IncidentKind, reason: string): void {
    this.#list = withIncident(this.#list, kind, reason);
    this.#expect(auditPending(this.#list, this.#then, this.#before));
  }

  get #then(): InForceThen {
    return { system: this.#settings.system, settings: this.#changes };
  }

  /** Lets the next resume change settings. */
  #change(values: ChangedSettings): void {
    const resume = countIncidents(this.#list).resumed + 1;
    this.#changes = [...this.#changes, { resume, values }];
  }

  #stop(reason: string): void {
    this.#note("stopped", reason);
    this.#resume(RESUMED_AFTER.error);
  }

  #resume(after: string): void {
    this.#note("resumed", after);
    this.#attempt = 1;
  }

  #record(failure: string | null): void {
    const incidents = this.#list;
    const record = incidents.length === 0 ? { failure } : { failure, incidents };
    this.#expect(auditIncidents(record, this.#then, this.#before));
    this.#settings = this.#changes.reduce(settingsAfter, this.#settings);
    this.#changes = [];
    this.#before = countIncidents(incidents, this.#before);
    this.#list = [];
    this.#attempt = 1;
  }

  #expect(findings: ReturnType<typeof auditIncidents>): void {
    this.problems.push(...findings.map(({ message }) => message));
  }
}

Deno.test("whatever happens to a service and to soak, what is told of it is believed", () => {
  const events = fc.array(fc.tuple(EVENT, fc.constantFrom("a", "b", "c")), { maxLength: 500 });
  const onErrors = fc.constantFrom<OnError>("stop", "continue");
  fc.assert(
    fc.property(fc.nat(3), onErrors, fc.nat(5), events, (retries, onError, most, all) => {
      const model = new Model(retries, onError, most);
      for (const [event, reason] of all) model.take(event, reason);
      assertEquals(model.problems, []);
    }),
    {
      examples: [
        [0, "stop", 0, Array.from({ length: 450 }, (_, i) => ["fails", `${i}`])],
        [0, "continue", 0, [[OTHERWISE, "a"], ["fails", "a"], ["measures", "a"]]],
        [1, "continue", 0, [[OTHERWISE, "a"], ["fails", "a"], ["measures", "a"]]],
        [0, "stop", 0, [[OTHERWISE, "b"], ["dies", "a"], ["dies", "a"], ["measures", "a"]]],
      ],
    },
  );
});

Deno.test("one death or failed attempt more than the settings let is not believed", () => {
  const run = serviceRun(1, "continue", 2);
  const codes = (incidents: readonly Incident[], failure: string | null = null): string[] =>
    auditIncidents({ incidents, failure }, run, NO_INCIDENTS).map(({ code }) => code);
  const times = (kind: IncidentKind, times: number): Incident => ({ kind, reason: "x", times });
  const resumed = (reason: string = RESUMED_AFTER.interruption): Incident => {
    return { kind: "resumed", reason, times: 1 };
  };
  assertEquals(codes([times("died", 2)]), []);
  assertEquals(codes([times("died", 3)]), ["restarts_excessive"]);
  assertEquals(codes([times("died", 3), resumed()]), []);
  assertEquals(codes([times("failed", 1)]), []);
  assertEquals(codes([times("failed", 2)]), ["attempts_wrong"]);
  assertEquals(codes([times("failed", 2)], "x"), []);
  assertEquals(codes([times("failed", 3)], "x"), ["attempts_wrong"]);
  assertEquals(codes([times("failed", 2)], "y"), ["attempts_wrong"]);
  assertEquals(codes([times("stopped", 1)]), ["incident_untrue"]);
});

Deno.test("what happened before a gap is unknown, and nothing is held against a run for it", () => {
  const run = serviceRun(0, "stop", 0);
  const incidents: Incident[] = [{ kind: "died", reason: "x", times: 9 }];
  assertEquals(auditIncidents({ incidents, failure: null }, run, null), []);
  assertEquals(auditPending(incidents, run, null), []);
  const attempts: Incident[] = [{ kind: "failed", reason: "x", times: 9 }];
  const then = { ...run, mayDiffer: true };
  for (const failure of [null, "x"]) {
    assertEquals(auditIncidents({ incidents: attempts, failure }, then, null), []);
  }
});

Deno.test("what no run does in that order, nor writes down so, is not believed", () => {
  const service = serviceRun(0, "stop", 0);
  const incident = (kind: IncidentKind, times = 1, reason = "x"): Incident => {
    return { kind, reason, times };
  };
  const died = incident("died");
  const failed = incident("failed");
  const stopped = incident("stopped");
  const after = (how: keyof typeof RESUMED_AFTER, times = 1): Incident =>
    incident("resumed", times, RESUMED_AFTER[how]);
  const ended = [died, failed, stopped, after("error")];
  const lists: Readonly<Record<string, readonly (readonly Incident[])[]>> = {
    incident_untrue: [
      [after("interruption"), stopped],
      [stopped],
      [after("error")],
      [stopped, after("interruption")],
      [failed, stopped, after("error", 2)],
      [stopped, failed, after("error")],
      [incident("resumed", 1, "after lunch")],
      [after("cutOff"), after("cutOff")],
    ],
    restarts_excessive: [
      [incident("died", 5), after("interruption", 5)],
      [...ended, died],
      [died],
    ],
    attempts_wrong: [
      [after("interruption"), incident("failed", 2)],
      [failed],
      [incident("failed", 2), stopped, after("error")],
    ],
  };
  for (const [code, all] of Object.entries(lists)) {
    for (const incidents of all) {
      const findings = auditIncidents({ incidents, failure: null }, service, NO_INCIDENTS);
      assertEquals(new Set(findings.map((finding) => finding.code)), new Set([code]));
    }
  }
  for (const incidents of [ended, [...ended, ...ended], [died, after("interruption", 2)]]) {
    assertEquals(auditIncidents({ incidents, failure: null }, service, NO_INCIDENTS), []);
  }
  const codes = (incidents: readonly Incident[]): string[] =>
    auditPending(incidents, serviceRun(9, "continue", 999), NO_INCIDENTS).map(({ code }) => code);
  const pairs = Array.from({ length: 60 }, (_, i) => [
    incident("failed", 1, `${i}`),
    after("interruption"),
  ]).flat();
  assertEquals(codes(pairs.slice(0, 100)), []);
  assertEquals(codes(pairs.slice(0, 101)), ["incident_untrue"]);
  assertEquals(codes([after("interruption", 2 ** 53 - 1), failed, after("interruption")]), [
    "incident_untrue",
  ]);
});

Deno.test("very many changes of settings in a hostile record are gone through once", () => {
  const { system } = serviceRun(1, "stop", 3);
  const changes = 3000;
  let looks = 0;
  const settings = Array.from({ length: changes }, (_, i): SettingsChange => ({
    resume: i + 1,
    get values(): ChangedSettings {
      looks++;
      return { retries: 2 + i % 2 };
    },
  }));
  const incidents = Array.from({ length: 100 }, (_, i): Incident => ({
    kind: "resumed",
    reason: i % 2 === 0 ? RESUMED_AFTER.interruption : RESUMED_AFTER.cutOff,
    times: changes,
  }));
  assertEquals(
    auditIncidents({ incidents, failure: null }, { system, settings }, NO_INCIDENTS),
    [],
  );
  assertEquals(looks, changes);
});
