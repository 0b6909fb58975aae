/** Names and paths of the chat templates that ship in templates/. Reads no file. */

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
 * The file of a shipped template. A text that is a path (it ends in .jinja or has a slash) is
 * returned as it is.
 *
 * @throws {RangeError} for a word that is neither a shipped template's name nor a path; the error
 *   lists the names
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
