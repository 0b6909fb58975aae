/** What a task writes replaces a link of that name; what the link leads to stays as it was. */
import { assert, assertEquals } from "@std/assert";
import { readOptions } from "../../src/base/read_options.ts";
import { exportGguf } from "../../src/commands/export_gguf.ts";
import { saveTalk } from "../../src/commands/predict.ts";
import { randomModel } from "../../src/commands/random_model.ts";
import { exportGgufSchema } from "../../src/model/gguf/export_gguf_options.ts";
import { randomModelSchema } from "../../src/model/opening/random_model_options.ts";
import { project, train, writeJson } from "../tasks/small_project.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

/** Deno makes links only for programs that may read and write everywhere. */
const LINKS = {
  permissions: { read: true, write: true, run: ["deno"] },
};

/**
 * Moves files of a folder into `mine/` and leaves links in their places.
 *
 * @returns fails unless they are files again and those of `mine/` have their bytes
 */
async function linkAway(
  folder: TemporaryFolder,
  place: string,
  names: readonly string[],
): Promise<() => Promise<void>> {
  await Deno.mkdir(folder.file("mine"), { recursive: true });
  const before = new Map<string, Uint8Array>();
  for (const name of names) {
    const [path, mine] = [folder.file(`${place}/${name}`), `mine/${name}`];
    await Deno.rename(path, folder.file(mine)).catch(async (error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await folder.write(mine, "mine");
    });
    await Deno.symlink(folder.file(mine), path);
    before.set(name, await Deno.readFile(folder.file(mine)));
  }
  return async () => {
    for (const [name, bytes] of before) {
      const { isFile } = await Deno.lstat(folder.file(`${place}/${name}`));
      assert(isFile, `${name} is still a link`);
      assertEquals(await Deno.readFile(folder.file(`mine/${name}`)), bytes);
    }
  };
}

test("a run that goes on replaces links in its folder", LINKS, async () => {
  await using folder = await project();
  const steps = ["--save_strategy=steps", "--save_steps=1"];
  await train(folder, "recipe.jsonc", ...steps);
  const place = "output/new";
  const names = [...Deno.readDirSync(folder.file(place))]
    .filter(({ isFile }) => isFile).map(({ name }) => name);
  assert(names.includes("metrics.jsonl") && names.includes("options.json"));
  const check = await linkAway(folder, place, names);
  const { code, lines } = await train(
    folder,
    ...["recipe.jsonc", ...steps, "--resume_from_checkpoint", "--max_steps=2"],
  );
  assertEquals(code, 0, lines.join("\n"));
  await check();
});

test("exportGguf() replaces a link at its output", LINKS, async () => {
  await using folder = await project();
  await writeJson(folder, "model/tokenizer.json", {
    model: { type: "BPE", vocab: { a: 0 }, merges: [] },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false },
  });
  const check = await linkAway(folder, "output", ["a.gguf", "a.Modelfile"]);
  await exportGguf(
    readOptions(exportGgufSchema, [{
      model_name_or_path: folder.file("model"),
      output: folder.file("output/a.gguf"),
      overwrite_output: true,
    }]).options,
  );
  await check();
});

test("randomModel() replaces links in its folder", LINKS, async () => {
  await using folder = await project();
  await Deno.mkdir(folder.file("output/model"));
  const check = await linkAway(folder, "output/model", ["tokenizer.json"]);
  await randomModel(
    readOptions(randomModelSchema, [{
      config: folder.file("model/config.json"),
      output_dir: folder.file("output/model"),
    }]).options,
  );
  await check();
});

test("saveTalk() replaces a link at its file", LINKS, async () => {
  await using folder = await project();
  const check = await linkAway(folder, "output", ["talk.jsonl"]);
  const messages = [{ role: "user", content: "Hello" }];
  await saveTalk(folder.file("output/talk.jsonl"), {
    names: ["base"],
    turns: () => [messages],
  });
  await check();
  assertEquals(
    JSON.parse(await Deno.readTextFile(folder.file("output/talk.jsonl"))),
    { name: "base", messages },
  );
});
