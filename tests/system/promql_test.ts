import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import type { Profile } from "../../model/profile.ts";
import { verifyRun } from "../../proof/verify.ts";
import { readSummary } from "../../record/artifacts.ts";
import { MeasurementError } from "../../system/measurement.ts";
import { queryPrometheus } from "../../system/promql.ts";
import { posix } from "../kit/posix.ts";
import { bench, READ_SIZE, REPORT, TINY } from "../kit/real_system.ts";

/** A Prometheus server that is none. */
interface Fake extends AsyncDisposable {
  readonly url: string;
  /** Every query that it was asked. */
  readonly queries: readonly string[];
}

async function fake(answer: (query: string) => Response | Promise<Response>): Promise<Fake> {
  const queries: string[] = [];
  const port = Promise.withResolvers<number>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: (address) => port.resolve(address.port),
  }, async (request) => {
    const query = (await request.formData()).get("query");
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || pathname !== "/prom/api/v1/query") {
      return new Response("not found", { status: 404 });
    }
    queries.push(String(query));
    return await answer(String(query));
  });
  return {
    url: `http://127.0.0.1:${await port.promise}/prom/`,
    queries,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function vector(...values: readonly string[]): unknown {
  const result = values.map((value) => ({ metric: { job: "x" }, value: [1.5, value] }));
  return { status: "success", data: { resultType: "vector", result } };
}

Deno.test("queryPrometheus() takes the one value of a vector, or a scalar", async () => {
  const scalar = { status: "success", data: { resultType: "scalar", result: [1.5, "7"] } };
  const cases: readonly (readonly [unknown, number])[] = [
    [vector("0.25"), 0.25],
    [vector("-1e-07"), -1e-7],
    [vector("1.5E+3"), 1500],
    [vector("-0"), 0],
    [scalar, 7],
    [{ ...scalar, warnings: [], infos: ["a hint"] }, 7],
  ];
  for (const [answer, value] of cases) {
    await using server = await fake(() => Response.json(answer));
    assertEquals(await queryPrometheus("up", { url: server.url, timeoutSeconds: 30 }), value);
  }
});

function warned(warnings: unknown): Response {
  return Response.json({ ...vector("1") as Record<string, unknown>, warnings });
}

/** An answer of which the server sends only the beginning. */
function cutOff(): Response {
  let sent = false;
  const body = new ReadableStream({
    pull(controller) {
      if (sent) controller.error(new Error("cut off"));
      else controller.enqueue(new TextEncoder().encode('{"status":'));
      sent = true;
    },
  });
  return new Response(body);
}

const MATRIX = { status: "success", data: { resultType: "matrix", result: [] } };
const REFUSED = {
  status: "error",
  errorType: "bad_data",
  error: "parse error: \u001b[31munexpected",
};

Deno.test("queryPrometheus() says what is wrong with any other answer", async () => {
  const cases: readonly (readonly [() => Response, string])[] = [
    [() => Response.json(vector()), "the result is empty: no series matches"],
    [() => Response.json(vector("1", "2")), "the result has 2 series, not one"],
    [() => Response.json(vector("NaN")), "the value is NaN, not a finite number"],
    [() => Response.json(vector("+Inf")), "the value is +Inf"],
    [() => Response.json(vector("0x10")), "the value is 0x10"],
    [() => Response.json(vector("")), "not a finite number"],
    [() => Response.json(MATRIX), "the result is a matrix"],
    [() => Response.json({ status: "success" }), "the answer has no result"],
    [() => Response.json([]), "not Prometheus' JSON"],
    [() => Response.json(REFUSED, { status: 400 }), "bad_data: parse error: \\u001b[31munexpected"],
    [() => new Response("<h1>Bad gateway</h1>", { status: 502 }), "HTTP status 502"],
    [() => Response.json(vector("1"), { status: 503 }), "HTTP status 503"],
    [() => Response.json(vector("1"), { status: 404 }), "HTTP status 404"],
    [() => Response.json(vector("1"), { status: 206 }), "HTTP status 206"],
    [() => Response.json(vector("1"), { status: 302 }), "HTTP status 302: a redirect"],
    [
      () => Response.json(vector("1"), { headers: { "content-encoding": "gzip" } }),
      "Prometheus' answer could not be read: ",
    ],
    [cutOff, "Prometheus' answer could not be read: "],
    [
      () => warned(["remote read failed\u001b[31m"]),
      "partial: Prometheus warns: remote read failed\\u001b",
    ],
    [() => warned("one"), "Prometheus warns: one"],
    [() => new Response("<h1>Hello</h1>"), "the answer is not Prometheus' JSON"],
    [() => Response.redirect("http://127.0.0.1:1/"), "HTTP status 302"],
    [() => new Response(" ".repeat(2 ** 20 + 1)), "larger than 1 MiB"],
  ];
  for (const [answer, says] of cases) {
    await using server = await fake(answer);
    const error = await assertRejects(
      () => queryPrometheus("up", { url: server.url, timeoutSeconds: 30 }),
      MeasurementError,
    );
    assertStringIncludes(error.message, says);
  }
});

Deno.test("queryPrometheus() gives up on a server that is silent, or not there", async () => {
  const end = Promise.withResolvers<Response>();
  const server = await fake(() => end.promise);
  const ask = (timeoutSeconds: number): Promise<MeasurementError> =>
    assertRejects(
      () => queryPrometheus("up", { url: server.url, timeoutSeconds }),
      MeasurementError,
    );
  assertStringIncludes((await ask(0.2)).message, "Prometheus did not answer within 0.2 s");
  end.resolve(new Response());
  await server[Symbol.asyncDispose]();
  assertStringIncludes((await ask(30)).message, "Prometheus can't be reached at http://127.0.0.1:");
});

const QUERIED: Profile = {
  ...TINY,
  kpis: TINY.kpis.map((kpi) => ({ ...kpi, query: "avg_over_time(cost[${window}])" })),
  parameters: TINY.parameters.map((parameter) => ({ ...parameter, query: "size_now" })),
};

Deno.test("a run reads KPIs and effective parameters from Prometheus", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("work", `${READ_SIZE}; echo $size > size`);
  await using server = await fake((query) => {
    const size = Number(Deno.readTextFileSync(b.file("size")));
    return Response.json(vector(String(query === "size_now" ? size : 20 - 2 * size)));
  });
  await b.run({ kind: "exec", command: [command], prometheusUrl: server.url }, {
    profile: QUERIED,
  });
  assertMatch(server.queries[0] ?? "", /^avg_over_time\(cost\[\d+m?s\]\)$/);
  assertEquals(server.queries[1], "size_now");
  const { record } = await readSummary(b.dir, 1);
  assertEquals([record.kpis, record.effectiveParams], [{ cost: 16 }, { size: 2 }]);
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
});

Deno.test("a service needs no program to be measured by when Prometheus knows it all", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script(
    "serve",
    `while :; do ${READ_SIZE}; echo $size > s; mv s size; sleep 0.02; done`,
  );
  await using server = await fake((query) => {
    const size = Number(Deno.readTextFileSync(b.file("size")));
    return Response.json(vector(String(query === "size_now" ? size : 20 - 2 * size)));
  });
  const system = {
    kind: "service",
    command: [command],
    prometheusUrl: server.url,
    readyFile: b.file("size"),
    intervalSeconds: 1.2,
  } as const;
  await b.run(system, { profile: QUERIED, iterations: 1 });
  const ms = Number(/\[(\d+)ms\]/.exec(server.queries[0] ?? "")?.[1]);
  assert(ms >= 1200, `${server.queries[0]}: no shorter than the interval`);
  assertEquals((await readSummary(b.dir, 1)).record.kpis, { cost: 16 });
});

Deno.test("a query that fails names its KPI or parameter", { ignore: !posix }, async () => {
  await using b = await bench();
  const command = b.script("work", "true");
  await using server = await fake((query) =>
    Response.json(query === "size_now" ? vector() : vector("3"))
  );
  const system = { kind: "exec", command: [command], prometheusUrl: server.url } as const;
  const error = await assertRejects(() => b.run(system, { profile: QUERIED }), SoakError);
  assertStringIncludes(
    error.message,
    "iteration 1 was not measured: parameter size: the result is empty: no series matches " +
      "(query: size_now)",
  );
});

Deno.test("the URL of a Prometheus server has no query and no fragment", async () => {
  await using b = await bench();
  for (const url of ["http://127.0.0.1:1/a?b=c", "http://127.0.0.1:1?", "http://127.0.0.1:1/#x"]) {
    const system = { kind: "exec", command: ["true"], prometheusUrl: url } as const;
    const error = await assertRejects(() => b.run(system, { profile: QUERIED }), SoakError);
    assertEquals([error.kind, error.where], ["usage", "prometheusUrl"]);
    assertStringIncludes(error.message, "the URL has a query or a fragment");
  }
});

Deno.test("a profile and a run agree on where values come from", { ignore: !posix }, async () => {
  await using b = await bench();
  const command = [b.script("work", `${READ_SIZE}\n${REPORT}`)];
  const url = "http://127.0.0.1:1";
  const cases = [
    [{ kind: "exec", command }, QUERIED, "the profile reads cost from Prometheus"],
    [{ kind: "exec", command, prometheusUrl: url }, TINY, "the profile has no query"],
    [
      { kind: "service", command, prometheusUrl: url },
      { ...QUERIED, kpis: TINY.kpis },
      "nothing measures cost",
    ],
  ] as const;
  for (const [system, profile, says] of cases) {
    const error = await assertRejects(() => b.run(system, { profile }), SoakError);
    assertEquals(error.kind, "usage");
    assertStringIncludes(error.message, says);
  }
});
