/**
 * The command `train`, called from code, is what `deno task train` is: the command line has no
 * private powers.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { OPTIONS, project, runProgram } from "../tasks/small_project.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

/** Runs both, each in a folder of its own that holds the same. */
async function runBoth(
  [task, code]: readonly [TemporaryFolder, TemporaryFolder],
  options: Readonly<Record<string, unknown>>,
) {
  const words = Object.entries(options).map(([key, value]) =>
    `--${key}=${value}`
  );
  return {
    task: await runProgram("tasks/train.ts", task, ["recipe.jsonc", ...words]),
    code: await runProgram("tests/commands/train_from_code.ts", code, [
      "recipe.jsonc",
      JSON.stringify(options),
    ]),
  };
}

/** A manifest's files; each run has a name of its own, which the manifest's own hash is of too. */
function manifestFiles(bytes: Uint8Array): Uint8Array {
  const { step, files } = JSON.parse(new TextDecoder().decode(bytes));
  return new TextEncoder().encode(JSON.stringify({ step, files }));
}

/**
 * Each file below a folder with its bytes, by its path from there; without hashes, which go by
 * whole paths.
 */
async function filesOf(folder: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (name.endsWith(".sha256")) continue;
    if (!isDirectory) {
      const bytes = await Deno.readFile(path);
      files[name] = name === "manifest.json" ? manifestFiles(bytes) : bytes;
    } else {
      for (const [below, bytes] of Object.entries(await filesOf(path))) {
        files[`${name}/${below}`] = bytes;
      }
    }
  }
  return files;
}

test(
  "train() leaves the files of `deno task train`, byte for byte, with curves, card and cache",
  OPTIONS,
  async () => {
    await using one = await project();
    await using other = await project();
    const { task, code } = await runBoth([one, other], {
      max_steps: 4,
      logging_steps: 2,
      save_strategy: "steps",
      save_steps: 2,
      use_peft: true,
    });
    assertEquals(task.code, 0, task.lines.join("\n"));
    assertEquals([code.code, code.lines], [0, []]);
    for (const folder of ["output/new", ".cache"]) {
      const left = await filesOf(one.file(folder));
      const right = await filesOf(other.file(folder));
      assertEquals(Object.keys(right).sort(), Object.keys(left).sort());
      for (const [name, bytes] of Object.entries(left)) {
        assertEquals(right[name], bytes, name);
      }
    }
    const names = Object.keys(await filesOf(other.file("output/new")));
    for (const name of ["curves.svg", "README.md", "metrics.jsonl"]) {
      assert(names.includes(name), names.join());
    }
    assertNotEquals(await filesOf(other.file(".cache/reference")), {});
  },
);

test(
  "train() refuses what does not fit into the memory as `deno task train` does",
  OPTIONS,
  async () => {
    await using one = await project();
    await using other = await project();
    const { task, code } = await runBoth([one, other], { memory_limit: 1e-5 });
    assertEquals([task.code, code.code], [1, 1]);
    assertEquals(task.lines, code.lines.map((line) => `error: ${line}`));
    assert(
      /Cannot .*memory/.test(code.lines[0] ?? ""),
      code.lines.join("\n"),
    );
  },
);
