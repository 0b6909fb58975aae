import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { readRecords } from "../../../src/files/records/records.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const member = (n: number, text = "") =>
  gzipSync(`{"n": ${n}, "text": "${text}"}\n`);
const zeros = (count: number) => new Uint8Array(count);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = zeros(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A member with an extra field, a name, a comment and a checksum of its header. */
function namedMember(n: number): Uint8Array {
  const [plain, text] = [member(n), new TextEncoder()];
  const header = [0x1f, 0x8b, 8, 2 | 4 | 8 | 16, ...plain.subarray(4, 10)];
  const extra = [3, 0, 1, 2, 3, ...text.encode("a.jsonl\0b\0"), 0, 0];
  return Uint8Array.from([...header, ...extra, ...plain.subarray(10)]);
}

async function numbersOf(parts: readonly Uint8Array[]): Promise<unknown[]> {
  await using folder = await temporaryFolder();
  const path = await folder.write("a.jsonl.gz", joined(parts));
  const records = await Array.fromAsync(readRecords(path));
  return records.map(({ value }) => value.n);
}

/** Text that hardly compresses, so that a member is larger than a piece of the file. */
function noise(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = Math.imul(state, 48271) >>> 0;
    return String.fromCharCode(97 + (state >>> 16) % 26);
  }).join("");
}

test(
  "readRecords() reads gzip of several members, with padding between and behind",
  OPTIONS,
  async () => {
    const [one, two] = [member(1), member(2)];
    assertEquals(await numbersOf([one, two]), [1, 2]);
    assertEquals(await numbersOf([one, two, zeros(600)]), [1, 2]);
    assertEquals(await numbersOf([one, zeros(5), two, zeros(1)]), [1, 2]);
    assertEquals(await numbersOf([gzipSync(""), one, gzipSync("")]), [1]);
    assertEquals(await numbersOf([namedMember(1), namedMember(2)]), [1, 2]);
    const large = member(3, noise(150_000));
    const padding = zeros(70_000); // more than a piece of the file
    assertEquals(await numbersOf([large, padding, large, two]), [3, 3, 2]);
  },
);

test(
  "readRecords() refuses gzip that is cut, changed or followed by other bytes",
  OPTIONS,
  async () => {
    const two = [member(1), member(2)];
    const whole = joined(two);
    const changed = Uint8Array.from(whole);
    changed[whole.length - 6]! ^= 1;
    const refusals: readonly (readonly [string, readonly Uint8Array[]])[] = [
      ["it ends inside a gzip member", [whole.subarray(0, -2)]],
      ["unexpected end of file", [whole.subarray(0, -12)]],
      ["its data does not fit its checksum", [changed]],
      ["found other bytes after a gzip member", [...two, Uint8Array.of(65)]],
      ["it is not gzip", [zeros(4)]],
    ];
    for (const [fault, parts] of refusals) {
      await assertRejects(
        () => numbersOf(parts),
        SyntaxError,
        `a.jsonl.gz": ${fault}, expected UTF-8 text in gzip`,
      );
    }
  },
);
