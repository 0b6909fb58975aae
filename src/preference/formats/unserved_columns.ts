/**
 * Columns and marks in texts that change what a row means and that no format reads: pictures,
 * sounds, and parts of the prompt under further names. A row that has one is refused by its name.
 */
import type { AskedRow, TurnsOrText } from "./preference.ts";
import { hasValue } from "./read_columns.ts";
import type { Row } from "./turns.ts";

/** Column names of pictures, videos and sounds. */
const MEDIA =
  /(^|[_-])(images?|imgs?|pictures?|photos?|pixel_values|jpg_\d|videos?|audios?)([_-]?(paths?|urls?|bytes|data|list|files?|\d+))?$/i;

const WHOLE = "give the whole prompt in one column";
const below = (columns: string) => (key: string) =>
  `--columns=instruction=prompt,${columns.replace("*", key)}`;

/** Column names that end in what the column is called, perhaps counted or in the plural. */
const called = (names: string, before = "") =>
  new RegExp(
    `^(?:${before})?(?:${names})s?(?:_(?:texts?|str|content|list|[ab]|\\d))?$`,
    "i",
  );

/** Column names that hold a part of the prompt or of the answers, and what to do with them. */
const PARTS: readonly (readonly [
  names: RegExp,
  advice: (key: string) => string,
])[] = [
  [
    /^initial_reason_steps$/,
    () =>
      "where the data has whole answers, give --columns=chosen=full_chosen,rejected=full_rejected",
  ],
  [/^trajectory$/, () => "--columns=prompt=trajectory reads it as the prompt"],
  [
    /^(functions|available_tools|tool_?(schemas?|list|definitions|config))$/i,
    (key) => `--columns=tools=${key} reads a list as tools`,
  ],
  [
    /^documents$/,
    () =>
      'for a template that prints documents, give chat_template_kwargs {"documents": [...]} in the row',
  ],
  [
    /^(initial_steps|(answer|response|assistant)_prefix)$/,
    () => "give whole answers",
  ],
  [
    called(
      "history|(prior|previous|prev|past|earlier)_(turn|message|dialog(ue)?|conversation|context|round)",
      "(chat|conversation|dialog(ue)?|message)_",
    ),
    below("history=* puts pairs of a question and its answer before it"),
  ],
  [
    called(
      "system|system_(prompt|message|instruction)|persona|personality|character_card|preamble",
      "(user|your|bot|model|agent|assistant)_",
    ),
    (key) => `--columns=system=${key} reads it as the system text`,
  ],
  [
    called(
      "input|document|doc|passage|article|paragraph|knowledge|context|background|scenario|evidence|fact|source_text|search_result|schema",
      "(?!prompt|answer|response|chosen|rejected|ref|gold)\\w+_",
    ),
    below("input=* puts a text below the question"),
  ],
  [called("choice|option"), () => WHOLE],
  [called("instruction|question|query|queries|prompt"), () => WHOLE],
];

function adviceFor(key: string): string | undefined {
  return PARTS.find(([names]) => names.test(key))?.[1](key);
}

/** A mark that stands for a picture, a video or a sound, neither in code nor called a tag. */
const MARK =
  /(?<![`\w])<(?:(image|video|audio)(?:[_ ]?\d+)?|\|(?:image|video|audio|vision|img)\w*\|)>(?![`\w]*`)(?!\s*(?:tags?|elements?)\b)/i;

/** The texts inside a value of a row. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    ["role", "from", "type"].includes(key) ? [] : textsIn(part)
  );
}

const squeezed = (text: string) => text.replace(/\s+/g, " ").trim();

/** Whether all texts of a value occur in what was read. */
function isRepeated(value: unknown, read: string): boolean {
  return textsIn(value).every((text) => read.includes(squeezed(text)));
}

/** What the turns of an example have beside their text, if it is a picture or a sound. */
function turnFault(example: AskedRow): string | undefined {
  const turns = Object.values(example).flatMap((part) =>
    Array.isArray(part) ? part as readonly unknown[] : []
  );
  const keys = turns.flatMap((turn) =>
    Object.entries(turn ?? {}).filter(([key, value]) =>
      MEDIA.test(key) && hasValue(value)
    ).map(([key]) => key)
  );
  return keys.length === 0
    ? undefined
    : `a turn has "${keys[0]}", and pictures and sounds are not served`;
}

/** Whether a value is a longer text around what is asked, such as that for a judge. */
function isAround(value: unknown, examples: readonly AskedRow[]): boolean {
  const text = squeezed(textsIn(value).join("\n"));
  return examples.every(({ prompt }) => {
    const last = squeezed(asked(prompt).at(-1) ?? "");
    return last !== "" && text.includes(last);
  });
}

function columnFault(
  row: Row,
  key: string,
  { read, examples }: { read: string; examples: readonly AskedRow[] },
): string | undefined {
  const value = row[key];
  const isData = typeof value === "string" || typeof value === "object";
  if (!isData || !hasValue(value)) return undefined;
  if (MEDIA.test(key)) {
    return `"${key}" holds pictures or sounds, which are not served`;
  }
  const advice = adviceFor(key);
  return advice === undefined || isRepeated(value, read) ||
      advice === WHOLE && isAround(value, examples)
    ? undefined
    : `"${key}" is a part of what is asked or answered and is not read: ${advice}`;
}

/** The texts in which marks count: all but the assistant's. */
function asked(prompt: TurnsOrText): readonly string[] {
  if (typeof prompt === "string") return [prompt];
  return prompt.filter(({ role }) => role !== "assistant")
    .map(({ content }) => content);
}

/** Whether a text is about HTML, which has `<video>` and `<audio>`, or holds a closed tag. */
function isMarkup(text: string, name: string): boolean {
  return text.includes(`</${name}>`) ||
    name.toLowerCase() !== "image" && /\b(html5?|tags?|css)\b/i.test(text);
}

function markFault(texts: readonly string[]): string | undefined {
  for (const text of texts) {
    const [mark, name] = MARK.exec(text) ?? [];
    if (mark === undefined) continue;
    if (name !== undefined && isMarkup(text, name)) continue;
    return `the prompt has ${mark}, and pictures and sounds are not served`;
  }
  return undefined;
}

/**
 * What a row has that is not served and changes what it means; undefined if there is nothing.
 *
 * @param unread the columns that its format did not read
 * @param examples what was read of it
 */
export function unservedFault(
  row: Row,
  unread: readonly string[],
  examples: readonly AskedRow[],
): string | undefined {
  if (examples.length === 0) return undefined; // it prefers no answer
  const known = unread.filter((key) => MEDIA.test(key) || adviceFor(key));
  const read = known.length === 0 ? "" : squeezed(textsIn(examples).join("\n"));
  const fault = known.map((key) => columnFault(row, key, { read, examples }))
    .find((one) => one !== undefined) ??
    examples.map(turnFault).find((one) => one !== undefined) ??
    markFault(examples.flatMap(({ prompt }) => asked(prompt)));
  return fault && `${fault}; --ignore_unserved reads the row without it`;
}
