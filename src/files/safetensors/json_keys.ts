/**
 * Lists the keys of the outermost object of a JSON text with duplicates. `JSON.parse` keeps only
 * the last of two equal keys, but a malformed file may have a key twice.
 */

/** Keys at depth 1 of a valid JSON text, in order, duplicates kept. */
export function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let wantsKey = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const end = stringEnd(text, i);
      if (depth === 1 && wantsKey) {
        keys.push(String(JSON.parse(text.slice(i, end + 1))));
        wantsKey = false;
      }
      i = end;
    } else if (character === "{" || character === "[") {
      depth++;
      wantsKey = depth === 1 && character === "{";
    } else if (character === "}" || character === "]") {
      depth--;
    } else if (character === "," && depth === 1) {
      wantsKey = true;
    }
  }
  return keys;
}

/** Index of the quote that closes the string opened at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}
