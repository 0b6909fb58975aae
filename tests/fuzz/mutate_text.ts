/** Changes texts and bytes by chance, with pieces of the language that they are written in. */
import type { Chance } from "./chance.ts";

/** Pieces of JSON, YAML and tables. */
export const DATA_PIECES: readonly string[] = [
  ...["{", "}", "[", "]", '"', ",", ":", "\\", "\n", "\r", "\r\n", "\0"],
  ...["null", "true", "-", "1e999", "0x1", "NaN", "\\u0000", "\\ud800"],
  ...["\ufeff", "\u2028", "\ud800", "\u202e", "'", "|", "#", "\t", "  "],
  ...["//", "/*", "*/", '""', '"a":1', "[[", "]]", "{}", '{"a":{"b":[1,2]}}'],
  ...['"__proto__":', '"constructor":', "💥", "é", ";", "---\n", "...\n"],
];

/** Pieces of YAML alone: anchors, tags, merges, blocks. */
export const YAML_PIECES: readonly string[] = [
  ...["&a ", "*a", "!!js/function ", "!!binary ", "!!set ", "!<x> ", "<<: *a"],
  ...[
    "<<: ",
    ": ",
    "- ",
    "? ",
    "|\n",
    ">-\n",
    "%YAML 1.2\n",
    "---\n",
    "@",
    "`",
  ],
  ...[
    "~",
    ".nan",
    ".inf",
    "0o17",
    "0b1",
    "1_000",
    "1:30:00",
    "2001-01-01",
    "y",
  ],
  ...["!!timestamp ", "__proto__: ", "constructor: ", "\n  ", "\n    ", "\t"],
];

/** A text with one to four changes: pieces put in, parts taken out, moved or repeated. */
export function mutateText(
  chance: Chance,
  text: string,
  pieces: readonly string[] = DATA_PIECES,
): string {
  for (let i = chance.between(1, 5); i > 0; i--) {
    const at = chance.below(text.length + 1);
    const [head, tail] = [text.slice(0, at), text.slice(at)];
    const piece = chance.pick(pieces);
    switch (chance.below(6)) {
      case 0:
      case 1:
        text = head + piece + tail;
        break;
      case 2:
        text = head + tail.slice(1 + chance.below(8));
        break;
      case 3: {
        const from = chance.below(text.length + 1);
        text = head + text.slice(from, from + chance.below(60)) + tail;
        break;
      }
      case 4:
        text = head + piece.repeat(chance.between(1, 400)) + tail;
        break;
      case 5:
        if (chance.oneIn(4)) text = head;
        else text = head + piece + tail.slice(piece.length);
        break;
    }
  }
  return text;
}

/** Bytes with one to six changes: values, bits, lengths, cuts, parts put in or repeated. */
export function mutateBytes(
  chance: Chance,
  given: Uint8Array,
): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(given);
  for (let i = chance.between(1, 6); i > 0 && bytes.length > 0; i--) {
    const at = chance.below(bytes.length);
    switch (chance.below(7)) {
      case 0:
        bytes[at] = chance.below(256);
        break;
      case 1:
        bytes[at]! ^= 1 << chance.below(8);
        break;
      case 2:
        bytes[at] = chance.pick([0, 1, 127, 128, 255]);
        break;
      case 3: // a length, as formats hold them
        if (at + 4 <= bytes.length) {
          const size = chance.pick([0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]);
          new DataView(bytes.buffer).setUint32(at, size, true);
        }
        break;
      case 4:
        if (chance.oneIn(3)) bytes = bytes.slice(0, at);
        else bytes = joined(bytes.slice(0, at), bytes.slice(at + 1));
        break;
      case 5: {
        const part = bytes.slice(at, at + 1 + chance.below(40));
        bytes = joined(bytes.slice(0, at), part, bytes.slice(at));
        break;
      }
      case 6: {
        const part = Uint8Array.from(
          { length: 1 + chance.below(16) },
          () => chance.pick([0, 255, 127, 34, 123, chance.below(256)]),
        );
        bytes = joined(bytes.slice(0, at), part, bytes.slice(at));
        break;
      }
    }
  }
  return bytes;
}

/** Several pieces of bytes one after the other. */
export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
