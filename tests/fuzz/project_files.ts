/** Files of the project that valid inputs are made of. */
import { join } from "@std/path";
import { ROOT } from "../sources.ts";

/** The text of a file, by its path from the root. */
export const projectText = (path: string): string =>
  Deno.readTextFileSync(join(ROOT, path));

/** The names in a folder, in order. */
export const projectNames = (path: string): string[] =>
  [...Deno.readDirSync(join(ROOT, path))].map(({ name }) => name).sort();

/** The start of some bytes or of a text as a line that a terminal can show. */
export function asLine(value: Uint8Array | string, most = 4000): string {
  const text = typeof value === "string"
    ? value
    : new TextDecoder("latin1").decode(value);
  return JSON.stringify(text.slice(0, most));
}
