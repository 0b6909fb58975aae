/**
 * The chat templates that ship in templates/: names and where they lie. Reads nothing.
 */

/** Names of the shipped templates, each `templates/<name>.jinja`. */
export const TEMPLATE_NAMES: readonly string[] = [
  "chatml",
  "gemma",
  "llama3",
  "mistral",
  "phi3",
  "zephyr",
];

/**
 * The file of a shipped template, or the given path itself where it is one (`x.jinja` or with a
 * slash).
 *
 * @throws {RangeError} for a bare word that is no shipped template; names those that are.
 */
export function templateFile(nameOrPath: string): URL | string {
  if (TEMPLATE_NAMES.includes(nameOrPath)) {
    return new URL(`../../templates/${nameOrPath}.jinja`, import.meta.url);
  }
  if (/[/\\]|\.jinja2?$/.test(nameOrPath)) return nameOrPath;
  throw new RangeError(
    `Cannot find chat template "${nameOrPath}": expected a path to a .jinja file or one of ${
      TEMPLATE_NAMES.map((name) => `"${name}"`).join(", ")
    }`,
  );
}
