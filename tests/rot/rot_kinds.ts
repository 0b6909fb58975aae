/**
 * Thirty kinds of bit rot: what happens to a file between the program that wrote it and the one
 * that reads it. Each is drawn from a generator, so that a case can be run again.
 */
import { dirname, join } from "@std/path";
import { Random } from "../../src/base/random.ts";

/** A file that rots, and what else lies around. */
export interface RottingFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The file of the same name in an older checkpoint or run; its own bytes if there is none. */
  readonly older: Uint8Array<ArrayBuffer>;
  /** Another file of the same folder; itself if it is alone. */
  readonly neighbour: string;
  readonly random: Random;
}

/** What becomes of a file's bytes. */
type Change = (file: RottingFile) => Uint8Array<ArrayBuffer>;

const PAGE = 4096;

function changed(
  { bytes }: RottingFile,
  change: (copy: Uint8Array<ArrayBuffer>) => void,
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  change(copy);
  return copy;
}

const at = ({ bytes, random }: RottingFile) =>
  random.below(Math.max(1, bytes.length));

/** Where a page begins, or, in a file of less than a page, some byte. */
function pageStart(file: RottingFile): number {
  const pages = Math.floor(file.bytes.length / PAGE);
  return pages === 0 ? at(file) : PAGE * file.random.below(pages);
}

const joined = (...parts: readonly Uint8Array[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const textOf = ({ bytes }: RottingFile) => new TextDecoder().decode(bytes);
const utf8 = (text: string) =>
  new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

/** Changes the 32-bit word at some multiple of four bytes. */
const word = (change: (bits: number) => number): Change => (file) =>
  changed(file, (copy) => {
    const count = Math.floor(copy.length / 4);
    if (count === 0) return;
    const view = new DataView(copy.buffer);
    const place = 4 * file.random.below(count);
    view.setUint32(place, change(view.getUint32(place, true)) >>> 0, true);
  });

const SIGN = 0x8000_0000;
const QUIET_NAN = 0x7fc0_0000;

/** Kinds that leave a file of other bytes. */
const CHANGES: Readonly<Record<string, Change>> = {
  "a bit flips": (file) =>
    changed(file, (copy) => {
      copy[at(file)]! ^= 1 << file.random.below(8);
    }),
  "a byte becomes another": (file) =>
    changed(file, (copy) => {
      copy[at(file)]! += 1 + file.random.below(255);
    }),
  "a number's sign flips": word((bits) => bits ^ SIGN),
  "a number's exponent changes": word((bits) => bits ^ 0x0080_0000),
  "a number's last bit flips": word((bits) => bits ^ 1),
  "a number becomes NaN": word(() => QUIET_NAN),
  "two bytes change places": (file) =>
    changed(file, (copy) => {
      const [a, b] = [at(file), at(file)];
      [copy[a], copy[b]] = [copy[b]!, copy[a]!];
    }),
  "a page of zeros": (file) =>
    changed(file, (copy) => {
      const start = pageStart(file);
      copy.fill(0, start, start + PAGE);
    }),
  "a page of ones": (file) =>
    changed(file, (copy) => {
      const start = pageStart(file);
      copy.fill(255, start, start + PAGE);
    }),
  "a page of another file": (file) =>
    changed(file, (copy) => {
      const start = pageStart(file);
      const other = Deno.readFileSync(file.neighbour).subarray(0, PAGE);
      copy.set(other.subarray(0, copy.length - start), start);
    }),
  "all zeros": ({ bytes }) => new Uint8Array(bytes.length),
  "cut somewhere": (file) => file.bytes.slice(0, at(file)),
  "its last byte is gone": ({ bytes }) => bytes.slice(0, -1),
  "emptied": () => new Uint8Array(),
  "a byte more at the end": (file) =>
    joined(file.bytes, Uint8Array.of(file.random.below(256))),
  "twice": ({ bytes }) => joined(bytes, bytes),
  "zeros at the end": ({ bytes }) => joined(bytes, new Uint8Array(PAGE)),
  "a byte lost in the middle": (file) => {
    const place = at(file);
    return joined(file.bytes.slice(0, place), file.bytes.slice(place + 1));
  },
  "a byte more in the middle": (file) => {
    const place = at(file);
    const more = Uint8Array.of(file.random.below(256));
    return joined(file.bytes.slice(0, place), more, file.bytes.slice(place));
  },
  "a digit becomes another": (file) =>
    changed(file, (copy) => {
      const digits = [...copy.keys()].filter((i) =>
        copy[i]! >= 48 && copy[i]! <= 57
      );
      if (digits.length === 0) return;
      const place = digits[file.random.below(digits.length)]!;
      copy[place] = 48 + (copy[place]! - 48 + 1 + file.random.below(9)) % 10;
    }),
  "a line is lost": (file) => {
    const lines = textOf(file).split("\n");
    lines.splice(file.random.below(lines.length), 1);
    return utf8(lines.join("\n"));
  },
  "a line stands twice": (file) => {
    const lines = textOf(file).split("\n");
    const place = file.random.below(lines.length);
    lines.splice(place, 0, lines[place]!);
    return utf8(lines.join("\n"));
  },
  "line ends of Windows": (file) => utf8(textOf(file).replaceAll("\n", "\r\n")),
  "the file of an older checkpoint or run": ({ older }) => older,
};

type Kind = (file: RottingFile) => void;

const rewritten = (change: Change): Kind => (file) =>
  Deno.writeFileSync(file.path, change(file));

function replacedByLink(file: RottingFile, target: string): void {
  Deno.removeSync(file.path);
  Deno.symlinkSync(target, file.path);
}

/** What happens to a file, by a name that says it. */
export const ROT_KINDS: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    Object.entries(CHANGES).map(([name, one]) => [name, rewritten(one)]),
  ),
  "missing": ({ path }) => Deno.removeSync(path),
  "a folder of its name": ({ path }) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
  },
  "a link to another file": (file) => replacedByLink(file, file.neighbour),
  "a link to nothing": (file) =>
    replacedByLink(file, join(dirname(file.path), "gone")),
  "a link to itself": (file) => replacedByLink(file, file.path),
  "it and another file change places": ({ path, neighbour, bytes }) => {
    const other = Deno.readFileSync(neighbour);
    Deno.writeFileSync(neighbour, bytes);
    Deno.writeFileSync(path, other);
  },
};
