/** Single faults of the disk, of each kind that a sweep has found: what is left and told. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { importRecipe } from "../../src/commands/import_recipe.ts";
import {
  removeFolder,
  sweepTemporary,
  writeFileAtomic,
  writeFolderAtomic,
} from "../../src/files/disk/atomic.ts";
import { disk, useDisk } from "../../src/files/disk.ts";
import { configByHead } from "../../src/files/folders/own_head.ts";
import { configByNames } from "../../src/files/folders/own_names.ts";
import { lockOutputFolder } from "../../src/files/folders/output_folder.ts";
import { PartFile } from "../../src/files/hub/part_file.ts";
import { writeRandomCheckpoint } from "../../src/model/opening/random_checkpoint.ts";
import { test } from "../test_case.ts";
import {
  type Call,
  type DiskFault,
  failingDisk,
  type PlannedFault,
} from "./failing_disk.ts";
import { type PoweredDisk, poweredDisk } from "./powered_disk.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** What failed, and what is left. */
interface Failed {
  readonly message: string;
  readonly under: PoweredDisk;
  readonly names: string[];
}

/** Work on a disk with these files, of which the first such writing call fails. */
async function failing(
  kind: DiskFault,
  isIt: (call: Call) => boolean,
  work: () => Promise<unknown>,
  before: Readonly<Record<string, string>> = {},
): Promise<Failed> {
  const made = () => {
    const under = poweredDisk();
    for (const [path, one] of Object.entries(before)) {
      under.put(path, text(one));
    }
    return under;
  };
  const run = async (under: PoweredDisk, fault?: PlannedFault) => {
    const tried = failingDisk(under, fault);
    using _disk = useDisk(tried);
    const message = await work().then(() => "", ({ message }) => message);
    return { message, calls: tried.calls };
  };
  const { calls } = await run(made());
  const under = made();
  const at = calls.findIndex(isIt);
  const { message } = await run(under, { at, kind });
  return { message, under, names: [...under.files().keys()] };
}

test("writeFileAtomic() keeps a file and its new folders through a power cut", async () => {
  for (const what of ["names and bytes", "bytes"] as const) {
    const under = poweredDisk();
    using _disk = useDisk(under);
    await writeFileAtomic("a/b/c.txt", "one");
    under.cut(what);
    assertEquals([...under.files().keys()], ["/a/b/c.txt"]);
  }
});

test("a fault is told by the name that a file will have", async () => {
  const isWrite = ({ call }: Call) => call === "write";
  const { message } = await failing(
    "ENOSPC",
    isWrite,
    () =>
      writeFolderAtomic("a", (path) => writeFileAtomic(`${path}/b.txt`, "one")),
  );
  assertEquals(
    message,
    'Cannot write "a/b.txt": No space left on device (os error 28), 3 bytes were to be written; free space there, or choose a folder on another disk',
  );
  const renamed = await failing(
    "EIO",
    ({ call }) => call === "rename",
    () => writeFileAtomic("a/b.txt", "one"),
  );
  assertMatch(renamed.message, /^Cannot write "a\/b\.txt": Input/);
  const removed = await failing(
    "EIO",
    ({ call }) => call === "remove",
    () => removeFolder("a"),
    { "a/b.txt": "one" },
  );
  assertMatch(removed.message, /^Cannot remove "a": Input/);
});

test("a disk that becomes read-only is told by what failed first, not by what is tidied away", async () => {
  const writers = [
    () => writeFileAtomic("a.txt", "one"),
    () => writeFolderAtomic("a", (path) => writeFileAtomic(`${path}/b`, "one")),
  ];
  for (const work of writers) {
    const isWrite = ({ call }: Call) => call === "write";
    const { message } = await failing("read-only", isWrite, work);
    assertMatch(message, /^Cannot write .*, 3 bytes were to be written/);
  }
  const { message, under } = await failing(
    "read-only",
    ({ call, path }) => call === "rename" && path === "a",
    () => writeFolderAtomic("a", (path) => writeFileAtomic(`${path}/b`, "two")),
    { "a/b": "one" },
  );
  assertMatch(message, /^Cannot write "a": Read-only/);
  using _disk = useDisk(under);
  await sweepTemporary("/", (name) => name === "a");
  assertEquals([...under.files()], [["/a/b", text("one")]]);
});

test("a read that fails within a stream is told", async () => {
  const under = poweredDisk();
  under.put("a.txt", text("one"));
  const fault = { at: 1, kind: "EIO", readOf: "a.txt" } as const;
  using _disk = useDisk(failingDisk(under, fault));
  const file = await disk().open("a.txt");
  await assertRejects(
    () => Array.fromAsync(file.stream()),
    Error,
    'Cannot read "a.txt": Input/output error (os error 5); the disk may be failing',
  );
});

test("lockOutputFolder() says once what is wrong with a folder, and leaves a name that is swept", async () => {
  const work = async () => {
    await using _lock = await lockOutputFolder("run");
  };
  const { message } = await failing(
    "full",
    ({ call }) => call === "open",
    work,
  );
  assertEquals(
    message,
    'Cannot write to output folder "run": No space left on device (os error 28); free space there, or choose a folder on another disk',
  );
  const isRemove = ({ call }: Call) => call === "remove";
  const { under, names } = await failing("power", isRemove, work);
  assertEquals(names.length, 1);
  using _disk = useDisk(under);
  await work();
  assertEquals([...under.files().keys()], []);
});

test("importRecipe() leaves no half of a recipe, which would be in the way of the next start", async () => {
  const { message, names } = await failing(
    "ENOSPC",
    ({ call }) => call === "write",
    () => importRecipe("a.yaml", { output: "b.jsonc", dataset_dir: null }),
    { "a.yaml": "model_name_or_path: base\n" },
  );
  assertMatch(message, /^Cannot write "b\.jsonc": No space/);
  assertEquals(names, ["/a.yaml"]);
});

const CONFIG = {
  model_type: "llama",
  vocab_size: 8,
  hidden_size: 4,
  intermediate_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  max_position_embeddings: 8,
  rms_norm_eps: 1e-5,
};

test("writeRandomCheckpoint() writes the weights last: where they are, the model is whole", async () => {
  const { names } = await failing(
    "EIO",
    ({ call, path }) => call === "write" && path.includes("config.json"),
    () =>
      writeRandomCheckpoint("a", { config: CONFIG, dtype: "float32", seed: 1 }),
  );
  assertEquals(names, []);
});

test("configByHead() and configByNames() do not take a disk that fails for weights of other names", async () => {
  const under = poweredDisk();
  const tied = { ...CONFIG, tie_word_embeddings: true };
  {
    using _disk = useDisk(under);
    await writeRandomCheckpoint("a", {
      config: tied,
      dtype: "float32",
      seed: 1,
    });
  }
  for (const at of [0, 1, 2]) {
    const readOf = "a/model.safetensors";
    for (const look of [configByHead, configByNames]) {
      using _disk = useDisk(failingDisk(under, { at, kind: "EIO", readOf }));
      await assertRejects(
        () => look("a", tied),
        Error,
        'Cannot read "a/model.safetensors": Input/output error',
      );
    }
  }
});

test("PartFile keeps a whole file through a power cut, and leaves no tag beside it", async () => {
  const work = async () => {
    using part = await PartFile.open("a.bin", 3);
    await part.restart('"one"');
    await part.append(text("one"));
    part.measure();
    await part.finish();
  };
  let renames = 0;
  const cut = await failing(
    "power",
    ({ call, path }) => call === "syncFolder" && path === "." && renames++ > 0,
    work,
  );
  assertEquals(cut.names.includes("/a.bin.part.etag"), false);
  const under = poweredDisk();
  using _disk = useDisk(under);
  await work();
  under.cut("names and bytes");
  assertEquals([...under.files()], [["/a.bin", text("one")]]);
});
