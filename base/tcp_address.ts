/**
 * The address of a TCP server, as people write it.
 *
 * @module
 */

/** Where a TCP server listens. */
export interface TcpAddress {
  /** Its name or address, without brackets. */
  readonly hostname: string;
  /** Its port, from 1 to 65535. */
  readonly port: number;
}

/** Reads `HOST:PORT`, `[::1]:6379` with an IPv6 address; `null` for any other text. */
export function tcpAddress(text: string): TcpAddress | null {
  const [, host = "", digits = ""] =
    /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text) ??
      [];
  const port = Number(digits);
  if (port < 1 || port > 65535 || !URL.canParse(`http://${host}/`)) return null;
  return { hostname: host.replace(/^\[|\]$/g, ""), port };
}
