import { assertEquals } from "@std/assert";
import {
  countIncidents,
  type Incident,
  INCIDENT_KINDS,
  type IncidentKind,
  incidentText,
  NO_INCIDENTS,
  withIncident,
} from "../../model/incident.ts";
import fc from "fast-check";

function listOf(...all: readonly (readonly [IncidentKind, string])[]): readonly Incident[] {
  return all.reduce<readonly Incident[]>(
    (list, [kind, reason]) => withIncident(list, kind, reason),
    [],
  );
}

Deno.test("the same incident in a row is one entry; others keep their order", () => {
  assertEquals(listOf(["failed", "a"], ["failed", "a"], ["died", "a"], ["failed", "a"]), [
    { kind: "failed", reason: "a", times: 2 },
    { kind: "died", reason: "a", times: 1 },
    { kind: "failed", reason: "a", times: 1 },
  ]);
});

Deno.test("a list of incidents stays short, counts all, and ends with the last of each kind", () => {
  const incident = fc.tuple(fc.constantFrom(...INCIDENT_KINDS), fc.constantFrom("a", "b", "c"));
  fc.assert(fc.property(fc.array(incident, { maxLength: 400 }), (all) => {
    const list = listOf(...all);
    const counted = { ...NO_INCIDENTS };
    for (const [kind] of all) counted[kind]++;
    assertEquals(countIncidents(list), counted);
    assertEquals(list.length <= 103, true);
    for (const kind of INCIDENT_KINDS) {
      const last = all.findLast(([other]) => other === kind)?.[1];
      assertEquals(list.findLast((entry) => entry.kind === kind)?.reason, last);
    }
  }));
});

Deno.test("incidents in words name what there was and nothing else", () => {
  assertEquals(incidentText(NO_INCIDENTS), "none");
  assertEquals(
    incidentText({ died: 2, failed: 1, stopped: 0, resumed: 0 }),
    "2 deaths, 1 failed measurement",
  );
  assertEquals(
    incidentText({ died: 0, failed: 0, stopped: 1, resumed: 3 }),
    "stopped by an error once, resumed 3 times",
  );
});
