import { assert, assertEquals, assertMatch } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { Random } from "../../../src/base/random.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import { all, common, encoder, jsonLines, pairs } from "./load_scene.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** A load with a cache, the bytes of its one file of tokens, and what was told. */
async function scene(folder: { file(name: string): string }, rows: string) {
  const told: string[] = [];
  await Deno.writeTextFile(folder.file("a.jsonl"), rows);
  const load = async () => {
    told.length = 0;
    using _notes = listenToNotes((sentence) => told.push(sentence));
    const { plain, report } = await all([{ path: folder.file("a.jsonl") }], {
      ...common,
      encoder: { ...encoder, identity: "characters" },
      cacheFolder: folder.file("cache"),
    });
    const { cached, ...rest } = report;
    return { loaded: { plain, report: rest }, cached };
  };
  const fresh = await load();
  const [name] = [...Deno.readDirSync(folder.file("cache"))]
    .map((entry) => entry.name).filter((name) => name.endsWith(".tokens"));
  const path = folder.file(`cache/${name}`);
  return { load, told, fresh, path, bytes: await Deno.readFile(path) };
}

type Bytes = Uint8Array<ArrayBuffer>;

const flip = (bytes: Bytes, at: number, bit: number): Bytes =>
  bytes.map((byte, i) => i === at ? byte ^ (1 << bit) : byte);

/** The file with another header: the text of one, or what is done to the one that is there. */
function header(
  bytes: Bytes,
  change: string | ((header: Record<string, unknown>) => unknown),
): Bytes {
  const end = bytes.indexOf(10);
  const old = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const text = typeof change === "string"
    ? change
    : JSON.stringify(change(old));
  const line = new TextEncoder().encode(text);
  const padding = " ".repeat(3 - line.length % 4) + "\n";
  return Uint8Array.from([
    ...line,
    ...new TextEncoder().encode(padding),
    ...bytes.subarray(end + 1),
  ]);
}

/** One word of the tokens set. */
function word(bytes: Bytes, index: number, value: number): Bytes {
  const changed = bytes.slice();
  const at = bytes.indexOf(10) + 1 + 4 * index;
  new DataView(changed.buffer).setUint32(at, value, true);
  return changed;
}

/** The kinds of damage; each takes numbers of its own. */
const DAMAGES: Record<string, (bytes: Bytes, random: () => number) => Bytes> = {
  "a bit anywhere": (bytes, random) =>
    flip(bytes, Math.floor(random() * bytes.length), Math.floor(random() * 8)),
  "a bit of the tokens": (bytes, random) => {
    const start = bytes.indexOf(10) + 1;
    const at = start + Math.floor(random() * (bytes.length - start));
    return flip(bytes, at, Math.floor(random() * 8));
  },
  "a word beyond the vocabulary": (bytes, random) =>
    word(bytes, Math.floor(random() * 100), 4_000_000_000),
  "a word of all ones": (bytes, random) =>
    word(bytes, Math.floor(random() * 100), 0xffff_ffff),
  "a word of zeros, one of lengths": (bytes) => word(bytes, 1, 0),
  "cut": (bytes, random) => bytes.slice(0, Math.floor(random() * bytes.length)),
  "longer": (bytes, random) =>
    Uint8Array.from([...bytes, ...new Uint8Array(1 + 8 * random())]),
  "two rows swapped": (bytes) => {
    const start = bytes.indexOf(10) + 1;
    const half = bytes.subarray(start, start + 44);
    const rest = bytes.subarray(start + 44);
    return Uint8Array.from([...bytes.subarray(0, start), ...rest, ...half]);
  },
  "sizes turned round": (bytes) =>
    header(bytes, (h) => ({ ...h, sizes: [...h.sizes as []].reverse() })),
  "sizes null": (bytes) => header(bytes, (h) => ({ ...h, sizes: null })),
  "no files": (bytes) => header(bytes, ({ files: _, ...h }) => h),
  "no report": (bytes) => header(bytes, ({ report: _, ...h }) => h),
  "header null": (bytes) => header(bytes, "null"),
  "header {}": (bytes) => header(bytes, "{}"),
  "header []": (bytes) => header(bytes, "[]"),
  "header a number": (bytes) => header(bytes, "7"),
  "no line end": () => new TextEncoder().encode("abc"),
  "empty": () => new Uint8Array(),
  "of zeros": (bytes) => new Uint8Array(bytes.length),
};

test({
  ...OPTIONS,
  name: "a damaged file of tokens is told in one line, made again and replaced",
  async fn() {
    await using folder = await temporaryFolder();
    const { load, told, fresh, path, bytes } = await scene(
      folder,
      jsonLines(pairs(40)),
    );
    const generator = new Random(19);
    const random = () => generator.uint32() / 2 ** 32;
    for (const [kind, damage] of Object.entries(DAMAGES)) {
      for (let i = 0; i < 3; i++) {
        await Deno.writeFile(path, damage(bytes, random));
        const again = await load();
        assertEquals(again, fresh, kind);
        assertEquals(told.length, 1, `${kind}: ${told}`);
        assert(told[0]!.includes(path) && told[0]!.includes("made again"));
        assertEquals(await Deno.readFile(path), bytes, kind);
      }
    }
    assertEquals((await load()).cached, path);
    assertEquals(told, []);
  },
});

test({
  ...OPTIONS,
  name: "a file of tokens of a version without hashes is named and replaced",
  async fn() {
    await using folder = await temporaryFolder();
    const rows = jsonLines(pairs(3));
    const { load, told, fresh, path, bytes } = await scene(folder, rows);
    // commit 74c3165 wrote the same header without "sha256"
    const old = header(bytes, ({ sha256: _, ...h }) => h);
    await Deno.writeFile(path, old);
    assertEquals(await load(), fresh);
    assertMatch(told.join(), /of an earlier version/);
    assertEquals(await Deno.readFile(path), bytes);
  },
});

test({
  ...OPTIONS,
  name: "a file of tokens under another one's name is not believed",
  async fn() {
    await using folder = await temporaryFolder();
    const other = await scene(folder, jsonLines(pairs(40, "other")));
    await Deno.remove(folder.file("cache"), { recursive: true });
    const own = await scene(folder, jsonLines(pairs(40)));
    await Deno.writeFile(own.path, other.bytes);
    assertEquals(await own.load(), own.fresh);
    assertEquals(own.told.length, 1);
  },
});
