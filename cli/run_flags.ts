/**
 * The flags of `soak run` for real systems, as data for the help and the parser.
 *
 * @module
 */

import type { FlagSpec } from "./flag_spec.ts";
import { ON_ERROR, REAL_DEFAULTS, RELOAD_SIGNALS } from "../model/system_spec.ts";

/** The flags that choose a real system. */
export const RUN_SYSTEM_FLAGS: readonly FlagSpec[] = [
  {
    name: "exec",
    placeholder: null,
    description: "soak a COMMAND that is run once for each iteration",
    synonyms: ["command", "cmd"],
  },
  {
    name: "service",
    placeholder: null,
    description: "soak a COMMAND that runs all the time",
    synonyms: ["daemon", "server"],
  },
  {
    name: "runtime",
    placeholder: "FILE",
    description: "the parameters to start from, instead of the profile's defaults",
  },
];

const REAL = "Flags for --exec and --service";
const SERVICE = "Flags for --service";

const seconds = (min: number, max = 86_400) => ({ min, max, integer: false });
const count = { min: 0, max: 1_000_000, integer: true };

/** The flags that only make sense with a real system. */
export const RUN_REAL_FLAGS: readonly FlagSpec[] = [
  {
    name: "timeout",
    placeholder: "SECONDS",
    description: "how long a command may take; SIGTERM then",
    range: seconds(0.1),
    default: REAL_DEFAULTS.timeoutSeconds,
    group: REAL,
  },
  {
    name: "grace",
    placeholder: "SECONDS",
    description: "time between SIGTERM and SIGKILL, for the whole process group",
    range: seconds(0, 3600),
    default: REAL_DEFAULTS.graceSeconds,
    group: REAL,
  },
  {
    name: "pause",
    placeholder: "SECONDS",
    description: "wait between two iterations",
    range: seconds(0),
    default: REAL_DEFAULTS.pauseSeconds,
    group: REAL,
  },
  {
    name: "retries",
    placeholder: "N",
    description: "try a failed measurement again, within its iteration",
    range: count,
    default: REAL_DEFAULTS.retries,
    group: REAL,
  },
  {
    name: "on-error",
    placeholder: ON_ERROR.join("|"),
    description: "stop with exit 4, or record the iteration as failed and go on",
    default: REAL_DEFAULTS.onError,
    group: REAL,
  },
  {
    name: "prometheus-url",
    placeholder: "URL",
    description: "where the profile's queries are sent; a query's ${window} becomes the " +
      "iteration's length, like 30s",
    group: REAL,
  },
  {
    name: "interval",
    placeholder: "SECONDS",
    description: "how long an iteration lasts before it is measured",
    range: seconds(0),
    default: REAL_DEFAULTS.intervalSeconds,
    group: SERVICE,
  },
  {
    name: "measure",
    placeholder: "PROGRAM",
    description: "what measures an iteration, by writing to SOAK_OUTPUT; run without " +
      "arguments; SOAK_SERVICE_PID is the service",
    group: SERVICE,
  },
  {
    name: "ready-url",
    placeholder: "URL",
    description: "the service is ready once this answers with a 2xx status",
    group: SERVICE,
  },
  {
    name: "ready-file",
    placeholder: "FILE",
    description: "the service is ready once it has written this",
    group: SERVICE,
  },
  {
    name: "ready-timeout",
    placeholder: "SECONDS",
    description: "how long it may take to get ready",
    range: seconds(0.1),
    default: REAL_DEFAULTS.readyTimeoutSeconds,
    group: SERVICE,
  },
  {
    name: "reload-signal",
    placeholder: "SIGNAL",
    description: `sent to the service after a change: ${RELOAD_SIGNALS.join(", ")}`,
    group: SERVICE,
  },
  {
    name: "reload-command",
    placeholder: "PROGRAM",
    description: "run after a change, with SOAK_SERVICE_PID",
    group: SERVICE,
  },
  {
    name: "reload-restart",
    placeholder: null,
    description: "start the service anew after a change",
    group: SERVICE,
  },
  {
    name: "max-restarts",
    placeholder: "N",
    description: "how often in a run a service that died is started again",
    range: count,
    default: REAL_DEFAULTS.maxRestarts,
    group: SERVICE,
  },
];
