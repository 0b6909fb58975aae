/**
 * Says why a text is no JSON where the parser's own words do not tell, and finds keys that stand
 * twice in an object, of which `JSON.parse` keeps the last one alone.
 */

/** What broken texts look like -> why they are broken and what to do. */
const CAUSES: readonly (readonly [looks: RegExp, cause: string])[] = [
  [
    /^\s*[[{]\s*'|:\s*'|:\s*(None|True|False)\b/,
    "it is what Python prints of a dict; write it by json.dumps()",
  ],
  [
    /[}\]]\s*,\s*$/,
    "a comma follows the row; in JSON Lines none stands between rows",
  ],
  [/,\s*[}\]]/, "a comma stands before a closing bracket, remove it"],
  [/[}\]]\s*[{[]/, "two rows stand on one line, put each on its own"],
  [/^\s*(\/\/|\/\*|#)/, "it is a comment, which JSON does not have"],
  [
    /^\s*[[{]\s*$|^\s*"[^"]*"\s*:.*[,[{]\s*$/,
    "the row goes on in the next line; put each row on one line, or the rows into one list in a .json file",
  ],
];

const STRINGS = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/** Why a text that is to be one row is no JSON; undefined if its looks do not tell. */
export function jsonCause(text: string): string | undefined {
  // what stands inside strings is no cause
  const bare = text.replace(STRINGS, '""');
  return CAUSES.find(([looks]) => looks.test(bare))?.[1];
}

/** A loop, since a row of a stranger may be nested deeper than calls can be. */
function keysIn(value: unknown): number {
  let count = 0;
  const left = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== "object" || one === null) continue;
    const parts: readonly unknown[] = Array.isArray(one)
      ? one
      : Object.values(one);
    if (parts !== one) count += parts.length;
    for (const part of parts) left.push(part);
  }
  return count;
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g;

/** The first key that stands twice in one object of a valid text. */
function twice(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const { 0: found, 1: colon } of text.matchAll(STRING)) {
    if (found === "{") open.push(new Set());
    else if (found === "}") open.pop();
    else if (colon !== undefined) {
      const key = String(JSON.parse(found.slice(0, -colon.length)));
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** A key that stands twice in one object; undefined if there is none. `value`: the parsed text. */
export function duplicateKey(text: string, value: unknown): string | undefined {
  // texts may hold quotes with colons too: then there are more of them than keys
  const colons = text.match(/"\s*:/g)?.length ?? 0;
  return colons === keysIn(value) ? undefined : twice(text);
}
