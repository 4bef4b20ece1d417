/**
 * The flags of `soak run` for real systems, as data for the help and the parser.
 *
 * @module
 */

import {
  defaultOf,
  ON_ERROR,
  rangeOf,
  RELOAD_SIGNALS,
  type SettingName,
} from "../model/system_spec.ts";
import type { FlagSpec } from "./command_spec.ts";

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

/** A flag that asks for a setting, with the setting's own default and range. */
function setting(name: SettingName, group: string, flag: FlagSpec): FlagSpec {
  const value = defaultOf(name);
  const shown = typeof value === "number" || typeof value === "string" ? { default: value } : {};
  const range = rangeOf(name);
  return { ...flag, ...shown, ...(range === undefined ? {} : { range }), setting: name, group };
}

/** The flags that only make sense with a real system, one for each of its settings. */
export const RUN_REAL_FLAGS: readonly FlagSpec[] = [
  setting("timeoutSeconds", REAL, {
    name: "timeout",
    placeholder: "SECONDS",
    description: "how long a command may take; SIGTERM then",
  }),
  setting("graceSeconds", REAL, {
    name: "grace",
    placeholder: "SECONDS",
    description: "time between SIGTERM and SIGKILL, for the whole process group",
  }),
  setting("pauseSeconds", REAL, {
    name: "pause",
    placeholder: "SECONDS",
    description: "wait between two iterations",
  }),
  setting("retries", REAL, {
    name: "retries",
    placeholder: "N",
    description: "try a failed measurement again, within its iteration; the gate counts each",
  }),
  setting("onError", REAL, {
    name: "on-error",
    placeholder: ON_ERROR.join("|"),
    description: "stop with exit 4, or record the iteration as failed and go on",
    choices: ON_ERROR,
  }),
  setting("prometheusUrl", REAL, {
    name: "prometheus-url",
    placeholder: "URL",
    description: "where the profile's queries are sent; a query's ${window} becomes the " +
      "iteration's length, like 30s",
    reads: "url",
  }),
  setting("secretEnv", REAL, {
    name: "secret-env",
    placeholder: "NAME",
    description: "a variable of the environment whose value must not be recorded: [NAME] stands " +
      "in its place; may be given again",
    repeatable: true,
    synonyms: ["secret", "env-secret", "mask"],
  }),
  setting("intervalSeconds", SERVICE, {
    name: "interval",
    placeholder: "SECONDS",
    description: "how long an iteration lasts before it is measured",
  }),
  setting("measureCommand", SERVICE, {
    name: "measure",
    placeholder: "COMMAND",
    description: "what measures an iteration, by writing to SOAK_OUTPUT; SOAK_SERVICE_PID is " +
      'the service; words as in a shell: "./m.sh -v"',
    reads: "program",
  }),
  setting("readyUrl", SERVICE, {
    name: "ready-url",
    placeholder: "URL",
    description: "the service is ready once this answers with a 2xx status",
    reads: "url",
  }),
  setting("readyFile", SERVICE, {
    name: "ready-file",
    placeholder: "FILE",
    description: "the service is ready once it has written this",
  }),
  setting("readyTcp", SERVICE, {
    name: "ready-tcp",
    placeholder: "HOST:PORT",
    description: "the service is ready once it takes connections there",
    reads: "tcp",
    synonyms: ["ready-port", "tcp"],
  }),
  setting("readyCommand", SERVICE, {
    name: "ready-command",
    placeholder: "COMMAND",
    description: "the service is ready once this, run again and again, exits with 0",
    reads: "program",
    synonyms: ["ready-exec", "ready-cmd"],
  }),
  setting("readyTimeoutSeconds", SERVICE, {
    name: "ready-timeout",
    placeholder: "SECONDS",
    description: "how long it may take to get ready",
  }),
  setting("reloadSignal", SERVICE, {
    name: "reload-signal",
    placeholder: "SIGNAL",
    description: `sent to the service after a change: ${RELOAD_SIGNALS.join(", ")}`,
    choices: RELOAD_SIGNALS,
  }),
  setting("reloadCommand", SERVICE, {
    name: "reload-command",
    placeholder: "COMMAND",
    description: "run after a change, with SOAK_SERVICE_PID",
    reads: "program",
  }),
  setting("reloadRestart", SERVICE, {
    name: "reload-restart",
    placeholder: null,
    description: "start the service anew after a change",
  }),
  setting("maxRestarts", SERVICE, {
    name: "max-restarts",
    placeholder: "N",
    description: "how often in a run a service that died is started again; the gate counts each",
  }),
];
