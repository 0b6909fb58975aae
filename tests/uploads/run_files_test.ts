/** Which files of a run go to a hub, and what is refused. */
import { assertEquals, assertRejects } from "@std/assert";
import { NotFound, useDisk } from "../../src/files/disk.ts";
import { runFiles } from "../../src/uploads/run_files.ts";
import { uploadTarget } from "../../src/uploads/upload_options.ts";
import { memoryDisk } from "../files/memory_disk.ts";
import { test } from "../test_case.ts";

const OPTIONS = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const text = (value: string) => new TextEncoder().encode(value);
/** A file of weights with one tensor of one number. */
function weights(): Uint8Array<ArrayBuffer> {
  const header = text(
    JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }),
  );
  const file = new Uint8Array(8 + header.length + 4);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

/** A disk with the files of a run; their content is JSON or weights, by their endings. */
function runOf(...names: string[]) {
  const memory = memoryDisk();
  for (const name of names) {
    const isWeights = name.endsWith(".safetensors");
    memory.put(`/output/run/${name}`, isWeights ? weights() : text("{}"));
  }
  return useDisk(memory);
}

const ADAPTER = ["adapter_config.json", "adapter_model.safetensors"];
const REST = [
  ".cache/tokens/a.json",
  "checkpoint-2/adapter_config.json",
  "checkpoint-2/optimizer.safetensors",
  "curves.svg",
  "metrics.jsonl",
  "notes.txt",
  "optimizer.safetensors",
  "trainer_state.json",
];

async function pathsOf(patterns?: string[]): Promise<string[]> {
  return (await runFiles("output/run", patterns)).files.map(({ path }) => path);
}

test(
  "runFiles() takes the model and its card, and leaves checkpoints, logs and caches",
  OPTIONS,
  async () => {
    const beside = ["README.md", "options.json", "tokenizer.json"];
    {
      using _disk = runOf(...ADAPTER, ...beside, ...REST);
      const { files, hasCard } = await runFiles("output/run");
      assertEquals(files.map(({ path }) => path), [
        "README.md",
        ...ADAPTER,
        "options.json",
        "tokenizer.json",
      ]);
      assertEquals([files[0]?.local, files[0]?.size, hasCard], [
        "output/run/README.md",
        2,
        true,
      ]);
    }
    using _disk = runOf("config.json", "model.safetensors", ...REST);
    assertEquals(await pathsOf(), ["config.json", "model.safetensors"]);
    assertEquals((await runFiles("output/run")).hasCard, false);
  },
);

test("runFiles() adds what is asked for by a pattern", OPTIONS, async () => {
  using _disk = runOf(...ADAPTER, ...REST);
  assertEquals(await pathsOf(["metrics.jsonl", "checkpoint-*/**"]), [
    ...ADAPTER,
    "checkpoint-2/adapter_config.json",
    "checkpoint-2/optimizer.safetensors",
    "metrics.jsonl",
  ]);
  await assertRejects(
    () => pathsOf(["*.csv"]),
    TypeError,
    'no file matches "*.csv"',
  );
  using _pickles = runOf(...ADAPTER, "old.bin");
  await assertRejects(() => pathsOf(["*.bin"]), TypeError, '"old.bin"');
});

test("runFiles() refuses a run that is not whole", OPTIONS, async () => {
  const cases: [string[], string][] = [
    [["options.json", "metrics.jsonl"], "neither a model nor an adapter"],
    [
      ["options.json", "checkpoint-2/adapter_config.json"],
      'has not come to its end, its last checkpoint is "output/run/checkpoint-2"',
    ],
    [["adapter_config.json"], '"adapter_model.safetensors" is missing'],
  ];
  for (const [names, words] of cases) {
    using _disk = runOf(...names);
    await assertRejects(() => pathsOf(), NotFound, words);
  }
  const memory = memoryDisk();
  memory.put("/output/run/adapter_config.json", text("{}"));
  memory.put("/output/run/adapter_model.safetensors", weights().slice(0, -1));
  using _cut = useDisk(memory);
  await assertRejects(() => pathsOf(), RangeError, "adapter_model.safetensors");
});

test("uploadTarget() wants the hub and the owner", OPTIONS, async () => {
  const target = (to: string) => uploadTarget({ to, revision: null });
  assertEquals(target("modelscope:me/mine"), {
    source: "modelscope",
    name: "me/mine",
  });
  for (
    const to of [
      "me/mine",
      "huggingface:mine",
      "github:me/mine",
      "huggingface:a/b/c",
    ]
  ) {
    await assertRejects(
      () => Promise.resolve().then(() => target(to)),
      TypeError,
      "expected huggingface:OWNER/NAME or modelscope:OWNER/NAME",
    );
  }
});
