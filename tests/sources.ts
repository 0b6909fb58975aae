/** The files of the project as texts, for the tests that check their rules. */
import { fromFileUrl } from "@std/path";

/** The folder of the project. */
export const ROOT: string = fromFileUrl(new URL("..", import.meta.url));

/** A file of the project: its path from the root, with slashes, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Text without comments, so that a rule may be spoken of. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function* sourcesIn(folder: string): Generator<Source> {
  for (const entry of Deno.readDirSync(`${ROOT}${folder}`)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    const skipped = /^(\.|node_modules$|output$|model_hub$|fixtures$)/;
    if (skipped.test(entry.name)) continue;
    if (entry.isDirectory) yield* sourcesIn(path);
    else if (/\.(ts|wgsl)$/.test(entry.name)) {
      yield { path, text: Deno.readTextFileSync(`${ROOT}${path}`) };
    }
  }
}

let found: readonly Source[] | undefined;

/** Every file of the tree, read once. */
export const everySource = (): readonly Source[] =>
  found ??= [...sourcesIn("")];

/** Every file in TypeScript. */
export const scripts = (): readonly Source[] =>
  everySource().filter(({ path }) => path.endsWith(".ts"));

/** `path: what` for each file in which the pattern occurs outside comments. */
export function occurrences(
  sources: readonly Source[],
  pattern: RegExp,
): string[] {
  return sources.flatMap(({ path, text }) => {
    const found = codeOf(text).match(pattern);
    return found === null ? [] : [`${path}: ${found[0]}`];
  });
}
