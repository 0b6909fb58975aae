/**
 * Tells the errors that are ours from those that the language or a library threw: ours are one
 * line, begin in one way, and hold no words of the engine outside what they quote.
 */

const OURS = /^(Cannot|Found|Expected) /;

/** Words of V8, Deno and the libraries, which should never reach a user. */
const FOREIGN = new RegExp(
  [
    "Cannot (?:read properties|convert|destructure|access|mix|set propert|delete|create|define|add|assign|redefine)",
    "undefined \\(reading",
    "is not (?:a function\\b(?! that the template)|a constructor|defined|an object)\\b",
    // templates are refused in Python's words, which name the type: "'int' object", "type 'bool'"
    "(?<!object |type '' )is not iterable",
    "is not an? (?:instance|valid)",
    "object null is",
    "Maximum call stack",
    "Invalid (?:array|string|typed array|array buffer|DataView) length",
    "Array buffer allocation",
    "Invalid (?:regular expression|count|code point|time value|date)",
    "in JSON at position",
    "is not valid JSON",
    "[Oo]ut of bounds",
    "outside (?:the )?bounds",
    "should be a multiple of",
    "\\[object ",
    "Converting circular",
    "cyclic object",
    "Do not know how to serialize",
    "The encoded data was not valid",
    "toString radix",
    "buffer size",
    "os error",
    'The (?:"|first|argument|value)',
    "ERR_[A-Z]",
    "undefined is not",
  ].join("|"),
);

/** Most characters of a line that a user can read. */
const LONGEST = 20_000;

/** A text with its quoted parts left out, also one that was cut: they may repeat the input. */
function unquoted(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*(?:"|$)/gs, '""').replace(
    /`[^`]*`|'[^']*'/gs,
    "''",
  );
}

/** Why an error is none of ours; undefined if it is one. */
export function foreignReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return "something was thrown that is no error";
  const { message } = error;
  const [words] = FOREIGN.exec(unquoted(message)) ?? [];
  if (words !== undefined) return `foreign words "${words}"`;
  if (!OURS.test(message)) return "a message that does not begin as ours do";
  if (message.length > LONGEST) return `${message.length} characters`;
  return undefined;
}
