import { fromFileUrl } from "@std/path";

/** The path of a file or folder of the repository, wherever the test stands. */
export function inRepository(name: string): string {
  return fromFileUrl(new URL(`../../${name}`, import.meta.url));
}
