import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { checkProfile, profileToJson } from "../../model/profile_check.ts";
import { PROFILE_SCHEMA, type SchemaNode } from "../../model/profile_schema.ts";
import { inSchemaOrder, schemaProblems } from "../../model/schema_check.ts";
import { startingPoint } from "../../model/starting_point.ts";
import { MIXED, POST_ONLY, QUOTE_MODE } from "../kit/mixed_profile.ts";
import { validProfile } from "../kit/random_profile.ts";
import { inRepository } from "../kit/repository.ts";

const published = await Deno.readTextFile(inRepository("profile.schema.json"));
const accepts = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true })
  .compile(JSON.parse(published));

/** A copy of a document with another value at a place; `undefined` removes what is there. */
function altered(
  value: JsonValue,
  place: readonly (string | number)[],
  other: JsonValue | undefined,
): JsonValue {
  const copy: unknown = structuredClone(value);
  const last = place.at(-1);
  if (last === undefined) return other ?? null;
  const holder = place.slice(0, -1).reduce<unknown>(
    (at, step) => Reflect.get(Object(at), step),
    copy,
  );
  if (other !== undefined) Reflect.set(Object(holder), last, other);
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else Reflect.deleteProperty(Object(holder), last);
  return copy as JsonValue;
}

function places(value: JsonValue, here: readonly (string | number)[] = []): (string | number)[][] {
  const parts: [string | number, JsonValue][] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === "object" && value !== null
    ? Object.entries(value)
    : [];
  return [[...here], ...parts.flatMap(([step, part]) => places(part, [...here, step]))];
}

const document = profileToJson({
  ...startingPoint,
  parameters: [
    ...startingPoint.parameters.slice(0, 2).map((p) => ({ ...p, query: "max(x)" })),
    POST_ONLY,
    QUOTE_MODE,
  ],
  kpis: startingPoint.kpis.slice(0, 2).map((k) => ({ ...k, query: "max(x)" })),
});
const WORDS = [
  ...new Set(published.match(/"[a-z_$]+"/g)?.map((word): string => JSON.parse(word))),
];

const value: fc.Arbitrary<JsonValue | undefined> = fc.oneof(
  fc.constantFrom<JsonValue | undefined>(
    ...[undefined, null, true, "", " ", "a", "A", "a.b", "a..b", "_a", "é", "constructor"],
    ...["a.prototype", "prototypes", "integer", "lower", ">=", "x".repeat(100), "x".repeat(101)],
    ...["😀".repeat(2000), "😀".repeat(2001), 0, 1, 1.5, 1000, 1001, 1e15, 1e16, -1, 2, 64, 65],
    ...[[], {}, [1], Array(32).fill({}), Array(33).fill({}), Array(501).fill({})],
  ),
  fc.jsonValue({ maxDepth: 2 }).map((any) => JSON.parse(JSON.stringify(any))),
);

Deno.test("profile.schema.json is what the definition says: deno task schema", () => {
  assertEquals(published, `${JSON.stringify(PROFILE_SCHEMA, null, 2)}\n`);
});

Deno.test("profile.schema.json accepts the built-in profile and the starting point", () => {
  for (const profile of [marketMaker, startingPoint, MIXED]) {
    assert(accepts(profileToJson(profile)), JSON.stringify(accepts.errors));
    const problems = checkProfile(profileToJson(profile));
    assertEquals(problems.filter(({ severity }) => severity === "error"), []);
  }
});

Deno.test("profile.schema.json and checkProfile() accept every valid profile", () => {
  fc.assert(fc.property(validProfile, (profile) => {
    const document = profileToJson(profile);
    assert(accepts(document), JSON.stringify(accepts.errors));
    assertEquals(checkProfile(document).filter(({ severity }) => severity === "error"), []);
  }));
});

Deno.test("profile.schema.json refuses exactly what schemaProblems() finds fault with", () => {
  const change = fc.tuple(
    fc.constantFrom(...places(document)),
    fc.option(fc.constantFrom(...WORDS), { nil: null }),
    value,
  );
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
      let broken: JsonValue = document;
      for (const [place, field, other] of changes) {
        broken = altered(broken, field === null ? place : [...place, field], other);
      }
      const problems = schemaProblems(broken);
      assertEquals(accepts(broken), problems.length === 0, JSON.stringify(problems));
      if (problems.length > 0) {
        const paths = checkProfile(broken).map(({ path }) => path);
        for (const { path } of problems) assert(paths.includes(path), path);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("every node of the schema is described", () => {
  const undescribed = (node: unknown, path: string): string[] => {
    const { description, properties = {}, anyOf = [], items, additionalProperties, propertyNames } =
      node as {
        description?: string;
        properties?: JsonObject;
        anyOf?: JsonObject[];
        items?: JsonObject;
        additionalProperties?: JsonObject | false;
        propertyNames?: JsonObject;
      };
    return [
      ...(description === undefined ? [path] : []),
      ...(items === undefined ? [] : undescribed(items, `${path}[]`)),
      ...anyOf.flatMap((form, i) => undescribed(form, `${path}(${i})`)),
      ...(additionalProperties ? undescribed(additionalProperties, `${path}.*`) : []),
      ...(propertyNames === undefined ? [] : undescribed(propertyNames, `${path} names`)),
      ...Object.entries(properties).flatMap(([name, child]) =>
        undescribed(child, `${path}.${name}`)
      ),
    ];
  };
  assertEquals(undescribed(PROFILE_SCHEMA, "$"), []);
});

Deno.test("inSchemaOrder() changes the order of fields and nothing else", () => {
  fc.assert(fc.property(validProfile, (profile) => {
    const ordered = profileToJson(profile);
    const reversed = reverseFields(ordered);
    assertEquals(JSON.stringify(inSchemaOrder(reversed)), JSON.stringify(inSchemaOrder(ordered)));
    assertEquals(inSchemaOrder(reversed), ordered);
  }));
});

function reverseFields(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reverseFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).toReversed().map(([name, part]) => [name, reverseFields(part)]),
  );
}

Deno.test("every field of the schema that is no object has an example, and it fits", () => {
  const check = (node: SchemaNode, path: string): void => {
    for (const example of node.examples ?? []) {
      assertEquals(schemaProblems(example, node), [], path);
    }
    const { properties = {}, anyOf = [], items } = node;
    anyOf.forEach((form, i) => check(form, `${path}(${i})`));
    if (items !== undefined) check(items, `${path}[]`);
    for (const [name, child] of Object.entries(properties)) {
      const isLeaf = child.type !== "object" && child.type !== "array" && child.enum === undefined;
      assert(!isLeaf || child.examples !== undefined, `${path}.${name}`);
      check(child, `${path}.${name}`);
    }
  };
  check(PROFILE_SCHEMA, "$");
});
