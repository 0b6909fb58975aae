import { assertEquals, assertRejects } from "@std/assert";
import {
  findAdapter,
  findTuned,
} from "../../../src/files/folders/tuned_folder.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** A folder with empty files of these names, folders included. */
async function holding(...names: string[]): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const name of names) {
    await Deno.mkdir(folder.file(name).replace(/\/[^/]+$/, ""), {
      recursive: true,
    });
    await folder.write(name, "");
  }
  return folder;
}

test(
  "findTuned() tells adapters from full weights, whole or in shards",
  OPTIONS,
  async () => {
    await using adapter = await holding(
      "adapter_config.json",
      "adapter_model.safetensors",
      "config.json",
    );
    assertEquals(await findTuned(adapter.path), {
      kind: "adapter",
      path: adapter.path,
    });
    for (const name of ["model.safetensors", "model.safetensors.index.json"]) {
      await using full = await holding(name, "config.json");
      assertEquals(await findTuned(full.path), {
        kind: "weights",
        path: full.path,
      });
    }
  },
);

test(
  "findTuned() takes the last checkpoint of a run that was not finished",
  OPTIONS,
  async () => {
    await using run = await holding(
      "options.json",
      "checkpoint-9/adapter_config.json",
      "checkpoint-10/adapter_config.json",
    );
    assertEquals(await findTuned(run.path), {
      kind: "adapter",
      path: run.file("checkpoint-10"),
    });
    await run.write("model.safetensors", "");
    assertEquals((await findTuned(run.path)).path, run.path);
  },
);

test("findTuned() names what it looked for", OPTIONS, async () => {
  await using empty = await holding("metrics.jsonl");
  await assertRejects(
    () => findTuned(empty.path),
    Deno.errors.NotFound,
    'found neither "adapter_config.json" nor "model.safetensors" nor a checkpoint-<step> folder',
  );
  await assertRejects(
    () => findTuned(empty.file("metrics.jsonl")),
    TypeError,
    "found a file",
  );
  await assertRejects(
    () => findTuned(empty.file("gone")),
    Deno.errors.NotFound,
  );
});

test("findAdapter() refuses full weights", OPTIONS, async () => {
  await using full = await holding("model.safetensors");
  await assertRejects(
    () => findAdapter(full.path),
    TypeError,
    "holds full weights",
  );
});

test(
  "findTuned() passes over a newer checkpoint that holds nothing",
  OPTIONS,
  async () => {
    await using run = await holding(
      "checkpoint-4/adapter_config.json",
      "checkpoint-4/adapter_model.safetensors",
    );
    await Deno.mkdir(run.file("checkpoint-9999"));
    assertEquals(await findTuned(run.path), {
      kind: "adapter",
      path: run.file("checkpoint-4"),
    });
  },
);
