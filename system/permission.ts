/**
 * What this program may not do although a real system needs it.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import type { RealSystem } from "../model/system_spec.ts";

/** The error of something that a real system needs and that is not permitted. */
export function notPermitted(
  what: string,
  where: string,
  flag: string,
  cause?: unknown,
): SoakError {
  return new SoakError("system", `${what}: not permitted to this program`, {
    where,
    remedy: `from source, run \`deno task soak:real\`; else add ${flag}`,
    cause,
  });
}

/** The same for the network. */
export function netNotPermitted(cause?: unknown, where = "network"): SoakError {
  return notPermitted("cannot use the network", where, "--allow-net", cause);
}

/** Refuses a system that is asked over a network that this program may not use. */
export function requireNet(system: RealSystem): void {
  const ready = system.kind === "service" ? [system.readyUrl, system.readyTcp] : [];
  for (const address of [system.prometheusUrl, ...ready]) {
    if (address === null || address === undefined) continue;
    const host = address.includes("://") ? new URL(address).host : address;
    const { state } = Deno.permissions.requestSync({ name: "net", host });
    if (state !== "granted") throw netNotPermitted(undefined, address);
  }
}
