/** What counts as a finished run. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { findRun } from "../../../src/training/run/finished_run.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
};

async function folderWithData() {
  const folder = await temporaryFolder();
  await folder.write("d.jsonl", "");
  return folder;
}

/** The options of a run in a folder with its data. */
function optionsIn(path: string, further: Record<string, unknown> = {}) {
  const own = {
    model_name_or_path: "m",
    dataset: join(path, "d.jsonl"),
    output_dir: path,
  };
  return readOptions(trainSchema, [own, further]).options;
}

test(
  "findRun() takes the weights of a run with the same options",
  OPTIONS,
  async () => {
    await using folder = await folderWithData();
    const options = optionsIn(folder.path);
    const is = async (further = {}) =>
      (await findRun(optionsIn(folder.path, further))).is;
    assertEquals(await is(), "absent");
    await folder.write("options.json", JSON.stringify(options));
    assertEquals(await is(), "absent");
    await folder.write("adapter_model.safetensors", "");
    assertEquals(await is(), "finished");
    assertEquals(
      await is({ retune: true, overwrite_output_dir: true }),
      "finished",
    );
    assertEquals(await is({ seed: 7 }), "absent");
    assertEquals(await is({ num_train_epochs: 9 }), "absent");
  },
);

test(
  "findRun() takes weights that are older than the options for an earlier run's",
  OPTIONS,
  async () => {
    await using folder = await folderWithData();
    const weights = await folder.write("model.safetensors", "");
    await Deno.utime(weights, 1, 1);
    const options = optionsIn(folder.path);
    await folder.write("options.json", JSON.stringify(options));
    assertEquals(await findRun(options), { is: "absent" });
    const checkpoint = folder.file("checkpoint-5");
    await Deno.mkdir(checkpoint);
    assertEquals(await findRun(options), { is: "broken off", checkpoint });
  },
);

test(
  "findRun() wants every file of weights that the index names",
  OPTIONS,
  async () => {
    await using folder = await folderWithData();
    const options = optionsIn(folder.path);
    await folder.write("options.json", JSON.stringify(options));
    const weight_map = { a: "model-1.safetensors", b: "model-2.safetensors" };
    await folder.write("model-1.safetensors", "");
    const weights = await folder.write(
      "model.safetensors.index.json",
      JSON.stringify({ weight_map }),
    );
    assertEquals(await findRun(options), { is: "absent" });
    await folder.write("model-2.safetensors", "");
    assertEquals(await findRun(options), { is: "finished", weights });
  },
);
