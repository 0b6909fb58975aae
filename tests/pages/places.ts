/**
 * Places of a page that programs write: what stands between `<!-- name:begin -->` and `<!--
 * name:end -->`.
 */

/** The texts of a page's places, by their names. */
export function placesOf(text: string): Record<string, string> {
  const found = text.matchAll(/<!-- (\w+):begin -->\n([^]*?)<!-- \1:end -->/g);
  return Object.fromEntries(
    [...found].map(([, name = "", inside = ""]) => [name, inside.trim()]),
  );
}

/** The page's text with new texts in its places. @throws {Error} if a place is missing */
export function withPlaces(
  page: string,
  text: string,
  places: Readonly<Record<string, string>>,
): string {
  return Object.entries(places).reduce((result, [name, inside]) => {
    const [begin, end] = [`<!-- ${name}:begin -->\n`, `<!-- ${name}:end -->`];
    const from = result.indexOf(begin);
    const to = result.indexOf(end, from);
    if (from < 0 || to < 0) {
      throw new Error(
        `Cannot write "${name}": found no place for it in "${page}"`,
      );
    }
    return `${result.slice(0, from + begin.length)}\n${inside}\n\n${
      result.slice(to)
    }`;
  }, text);
}
