import { type Forgery, summaryName } from "./forgery.ts";
import { damage, lie, type Mutation } from "./mutations.ts";

const MIDDLE = 6;

/** The first change, which moves a parameter of each kind by a place. */
const FIRST = 1;

/** A forger who also makes everything again that depends on the change. */
function forge(
  name: string,
  codes: Parameters<typeof lie>[1],
  change: (run: Forgery) => void | Promise<void>,
): Mutation {
  return lie(`re-signed, of every kind: ${name}`, codes, async (run) => {
    await change(run);
    await run.resign();
  });
}

/** A lie about what the system said of one parameter. */
function misreport(name: string, key: string, value: string | number | boolean): Mutation {
  return lie(
    name,
    "effective_mismatch",
    (run) => run.edit(MIDDLE, ({ effective_params }) => void (effective_params[key] = value)),
  );
}

/** Another value in the runtime of an iteration. */
function setValue(run: Forgery, path: string, value: string | number | boolean): void {
  const [group = "", name = ""] = path.split(".");
  run.edit(MIDDLE, ({ runtime_overrides }) => {
    const values = runtime_overrides[group];
    if (values !== undefined) values[name] = value;
  });
}

/** Other targets in a change that was made; the hashes stay. */
function retarget(run: Forgery, key: string, value: string | number | boolean): void {
  run.edit(FIRST, ({ tuning }) => {
    tuning.proposed_deltas[key] = tuning.deltas[key] = value;
  });
}

/** More targets in a change that was made, and all that follows from them. */
async function impose(
  run: Forgery,
  i: number,
  targets: Readonly<Record<string, string | number | boolean>>,
): Promise<void> {
  run.impose(i, { ...run.read(i).tuning.deltas, ...targets }, "safer");
  await run.restate();
}

/** Lies about a run of the profile with parameters of every kind. */
export const KIND_MUTATIONS: readonly Mutation[] = [
  misreport("the system's switch is off", "post_only", false),
  misreport("the system's switch is 1", "post_only", 1),
  misreport("the system's switch is a text", "post_only", "true"),
  misreport("the system has another value of a list", "quote_mode", "tight"),
  misreport("the system has a value of no list", "quote_mode", "widest"),
  misreport("the system has the place of a value", "quote_mode", 1),
  misreport("the system has a number of a list as a text", "lot", "25"),
  misreport("the system has a number as a text", "tail_age_ms", "660"),
  misreport("the system has true for a number", "tick_size", true),
  lie(
    "the system's switch is left out",
    "effective_missing",
    (run) =>
      run.edit(FIRST + 1, ({ effective_params }) => void delete effective_params["post_only"]),
  ),
  damage(
    "the system's switch is null",
    "summary_unreadable",
    (run) =>
      run.editText(
        summaryName(MIDDLE),
        (text) => text.replace('"post_only":true', '"post_only":null'),
      ),
  ),
  lie(
    "a switch in the runtime is turned",
    ["runtime_hash_mismatch", "runtime_not_next"],
    (run) => setValue(run, "engine.post_only", false),
  ),
  lie(
    "a switch in the runtime is 1",
    "value_wrong_kind",
    (run) => setValue(run, "engine.post_only", 1),
  ),
  lie(
    "a switch in the runtime is a text",
    "value_wrong_kind",
    (run) => setValue(run, "engine.post_only", "true"),
  ),
  lie(
    "a value of a list in the runtime is none",
    "value_out_of_bounds",
    (run) => setValue(run, "engine.quote_mode", "widest"),
  ),
  lie(
    "a value of a list in the runtime is its place",
    "value_wrong_kind",
    (run) => setValue(run, "engine.quote_mode", 1),
  ),
  lie(
    "a number of a list in the runtime is between two",
    "value_out_of_bounds",
    (run) => setValue(run, "risk.lot", 30),
  ),
  lie(
    "a number of a list in the runtime is a text",
    "value_wrong_kind",
    (run) => setValue(run, "risk.lot", "25"),
  ),
  lie(
    "a number's target is a text",
    "value_wrong_kind",
    (run) => retarget(run, "tail_age_ms", "630"),
  ),
  lie("a switch's target is 1", "value_wrong_kind", (run) => retarget(run, "post_only", 1)),
  lie(
    "a target is a value of no list",
    "value_out_of_bounds",
    (run) => retarget(run, "quote_mode", "widest"),
  ),
  lie(
    "a switch's target is turned",
    "state_hash_mismatch",
    (run) => retarget(run, "post_only", false),
  ),
  lie(
    "the value before a switch was turned is another",
    "changes_wrong",
    (run) =>
      run.edit(FIRST, ({ tuning: { changes } }) => {
        for (const change of changes) if (change.key === "post_only") change.from = 0;
      }),
  ),
  forge(
    "a step of two places",
    ["guard_ignored", "proposal_wrong"],
    (run) => impose(run, FIRST, { quote_mode: "wide" }),
  ),
  forge(
    "a step that goes the other way",
    ["rule_step_wrong", "proposal_wrong"],
    (run) => impose(run, FIRST, { lot: 100 }),
  ),
  forge(
    "a switch is turned back within the hour",
    ["guard_ignored", "rule_step_wrong"],
    (run) => impose(run, run.applied(2), { post_only: false }),
  ),
  forge(
    "a switch is turned while frozen",
    ["guard_ignored", "proposal_while_guarded"],
    (run) => impose(run, run.skipped("freeze", 3), { post_only: false }),
  ),
  forge("a switch's change is left out", "proposal_wrong", async (run) => {
    const { post_only: _, ...deltas } = run.read(FIRST).tuning.deltas;
    run.impose(FIRST, deltas, "safer");
    await run.restate();
  }),
  forge(
    "a switch is turned to where it is",
    ["changes_wrong", "proposal_wrong"],
    (run) => impose(run, FIRST, { post_only: false }),
  ),
  forge(
    "a target that is 1 for true",
    "value_wrong_kind",
    (run) => impose(run, FIRST, { post_only: 1 }),
  ),
  forge(
    "a target that is in no list",
    "value_out_of_bounds",
    (run) => impose(run, FIRST, { quote_mode: "widest" }),
  ),
  forge(
    "a list in another order",
    "proposal_wrong",
    (run) =>
      run.editJson("SOAK_RUN.json", (draft) => {
        const text = JSON.stringify(draft["profile"]);
        draft["profile"] = JSON.parse(text.replace('"tight","normal"', '"normal","tight"'));
      }),
  ),
];
