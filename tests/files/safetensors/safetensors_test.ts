import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** A file with this header, its length as told or as it is, and so many bytes of data. */
function fileOf(
  header: unknown,
  dataBytes: number,
  announced?: bigint,
): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  const length = announced ?? BigInt(json.length);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

/** The message with which a file is refused. */
async function refusal(file: Uint8Array): Promise<string> {
  await using folder = await temporaryFolder();
  const path = await folder.write("lie.safetensors", file);
  const error = await assertRejects(() => openSafetensors(path), Error);
  assertStringIncludes(error.message, "lie.safetensors");
  return error.message;
}

test(
  "openSafetensors() reads what writeSafetensors() wrote, whole and in chunks",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("a.safetensors");
    const data: Record<string, Uint8Array> = {
      b: Uint8Array.from({ length: 24 }, (_, i) => i),
      a: Uint8Array.of(1, 2, 3, 4, 5, 6),
      scalar: Uint8Array.of(7, 8, 9, 10),
      empty: new Uint8Array(0),
    };
    await writeSafetensors(
      path,
      [
        { name: "a", dtype: "BF16", shape: [3] },
        { name: "b", dtype: "F32", shape: [2, 3] },
        { name: "scalar", dtype: "I32", shape: [] },
        { name: "empty", dtype: "F32", shape: [0, 5] },
      ],
      ({ name }) =>
        name === "b"
          ? [data.b!.subarray(0, 5), data.b!.subarray(5)]
          : data[name]!,
    );

    const file = await openSafetensors(path);

    assertEquals(file.metadata, { format: "pt" });
    assertEquals([...file.tensors.keys()].sort(), [
      "a",
      "b",
      "empty",
      "scalar",
    ]);
    assertEquals(file.tensors.get("b")!.offset % 8, 0);
    for (const name of Object.keys(data)) {
      assertEquals(
        await file.read(name),
        data[name] as Uint8Array<ArrayBuffer>,
      );
    }
    const sizes: number[] = [];
    const joined: number[] = [];
    for await (const { offset, bytes } of file.chunks("b", 10)) {
      assertEquals(offset, joined.length);
      sizes.push(bytes.length);
      joined.push(...bytes);
    }
    assertEquals(sizes, [8, 8, 8]); // 24 bytes by tens, numbers of 4 bytes whole
    assertEquals(joined, [...data.b!]);
  },
);

test(
  "openSafetensors() closes the file when chunks are left early",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = await folder.write(
      "a.safetensors",
      fileOf({ a: f32([4], 0, 16) }, 16),
    );
    const file = await openSafetensors(path);
    for await (const _ of file.chunks("a", 4)) break;
  },
);

test(
  "openSafetensors() names a header length that cannot be",
  OPTIONS,
  async () => {
    const header = { a: f32([1], 0, 4) };
    assertStringIncludes(
      await refusal(fileOf(header, 4, 1n << 62n)),
      "claims 4611686018427387904 bytes, the file has",
    );
    assertStringIncludes(
      await refusal(fileOf(header, 4, 0n)),
      "claims 0 bytes",
    );
    assertStringIncludes(await refusal(Uint8Array.of(9, 9)), "the file has 2");
    assertStringIncludes(await refusal(new Uint8Array(0)), "the file has 0");
  },
);

test(
  "openSafetensors() names broken JSON in the header",
  OPTIONS,
  async () => {
    assertStringIncludes(await refusal(fileOf('{"a": ]}', 0)), "broken JSON");
    assertStringIncludes(await refusal(fileOf("[1,2]", 0)), "no object");
  },
);

test(
  "openSafetensors() names all tensors that do not fit at once",
  OPTIONS,
  async () => {
    const message = await refusal(fileOf({
      wrong_bytes: f32([2, 2], 0, 8),
      out_of_file: f32([4], 8, 24),
      odd_dtype: { dtype: "F4", shape: [1], data_offsets: [0, 1] },
      odd_shape: { dtype: "F32", shape: [-1], data_offsets: [0, 4] },
      odd_range: { dtype: "F32", shape: [1], data_offsets: [0] },
      no_object: 3,
    }, 8));
    for (
      const part of [
        'tensor "wrong_bytes" has 8 bytes, F32 [2, 2] needs 16',
        'tensor "out_of_file" ends at byte 24 of the data, of which 8 are there',
        'tensor "odd_dtype" has unknown dtype "F4"',
        'tensor "odd_shape" has shape [-1]',
        'tensor "odd_range" has data_offsets [0]',
        'tensor "no_object" is not described by an object',
      ]
    ) assertStringIncludes(message, part);
  },
);

test(
  "openSafetensors() names overlaps, gaps, unused ends and duplicates",
  OPTIONS,
  async () => {
    assertStringIncludes(
      await refusal(fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12)),
      'tensors "a" and "b" overlap',
    );
    assertStringIncludes(
      await refusal(fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12)),
      '4 bytes before tensor "b" are unused',
    );
    assertStringIncludes(
      await refusal(fileOf({ a: f32([1], 0, 4) }, 9)),
      "5 bytes at its end are unused",
    );
    const entry = JSON.stringify(f32([1], 0, 4));
    assertStringIncludes(
      await refusal(fileOf(`{"a":${entry},"a":${entry}}`, 4)),
      'tensor "a" is there twice',
    );
  },
);

test("read() names a tensor that is not there", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const path = await folder.write(
    "a.safetensors",
    fileOf({ a: f32([1], 0, 4) }, 4),
  );
  const file = await openSafetensors(path);
  const error = await assertRejects(
    async () => await file.read("b"),
    TypeError,
  );
  assertStringIncludes(error.message, 'has no tensor "b"');
});

test(
  "writeSafetensors() leaves nothing behind when a tensor's bytes do not fit",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("a.safetensors");
    const layout = [{ name: "a", dtype: "F32", shape: [2] }] as const;
    const error = await assertRejects(
      () => writeSafetensors(path, layout, () => new Uint8Array(7)),
      RangeError,
    );
    assertStringIncludes(
      error.message,
      'tensor "a" F32 [2] got 7 bytes, expected 8',
    );
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
);

test(
  "writeSafetensors() refuses a name that is there twice",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const a = { name: "a", dtype: "U8", shape: [1] } as const;
    await assertRejects(
      () =>
        writeSafetensors(
          folder.file("a.safetensors"),
          [a, a],
          () => new Uint8Array(1),
        ),
      TypeError,
      "twice",
    );
  },
);
