/** The launcher: every task from any folder, with its own permissions, which hold there. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { projectFile, taskStart } from "../../tasks/start_task.ts";
import { TASKS } from "../pages/task_schemas.ts";
import { ROOT } from "../sources.ts";
import { test } from "../test_case.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { OPTIONS, project, writeJson } from "./small_project.ts";

const running = {
  ...OPTIONS,
  permissions: { ...OPTIONS.permissions, run: ["sh", "deno"] },
};

/** Runs the launcher by a link, in a small project of the user's. */
async function tiebreak(path: string, ...words: string[]) {
  const linked = 'ln -sf "$0" launcher && exec sh launcher "$@"';
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", linked, `${ROOT}tiebreak`, ...words],
    cwd: path,
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), told: decoder.decode(stderr) };
}

test("taskStart() knows how each task for people starts", OPTIONS, () => {
  const { permissions } = projectFile();
  for (const name of Object.keys(TASKS)) {
    const start = taskStart(name);
    assert(start, name);
    const { write } = permissions[start.set]!;
    const flags = start.args.filter((word) => word.startsWith("--allow-"));
    const wanted = Array.isArray(write)
      ? [`--allow-write=${write.join()}`]
      : [];
    assertEquals(flags, wanted, name);
  }
  const { env } = taskStart("train")!;
  assertEquals(env, { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" });
  assertEquals(["ok", "test", "toString"].map((name) => taskStart(name)), [
    undefined,
    undefined,
    undefined,
  ]);
});

test(
  "tiebreak alone lists the tasks, and knows its version",
  running,
  async () => {
    await using folder = await project();
    const { code, out } = await tiebreak(folder.path);
    assertEquals(code, 0);
    for (const name of Object.keys(TASKS)) {
      const { description } = projectFile().tasks[name]!;
      assertStringIncludes(out, `  ${name} `);
      assertStringIncludes(out, `  ${description}\n`);
    }
    const version = await tiebreak(folder.path, "--version");
    assertStringIncludes(
      version.out,
      `tiebreak ${projectFile().version} (Deno `,
    );
  },
);

test(
  "tiebreak reads and writes in the folder where the user stands",
  running,
  async () => {
    await using folder = await project();
    assertEquals(
      (await tiebreak(folder.path, "inspect", "recipe.jsonc")).code,
      0,
    );
    const config = { model_type: "llama", hidden_size: 8, vocab_size: 80 };
    await writeJson(folder, "small.json", {
      ...config,
      intermediate_size: 12,
      num_hidden_layers: 1,
      num_attention_heads: 2,
    });
    const make = (to: string) =>
      tiebreak(
        folder.path,
        ...["random-model", "--config=small.json", `--output_dir=${to}`],
      );
    assertEquals((await make("output/my model")).code, 0);
    assert(
      (await Deno.stat(folder.file("output/my model/config.json"))).isFile,
    );
    const outside = await make("elsewhere");
    assertEquals(outside.code, 1);
    assertStringIncludes(outside.told, "has no write access");
    const again = `deno run --config=${ROOT}deno.json -P=random_model`;
    assertStringIncludes(outside.told, again);
    assertStringIncludes(outside.told, `${ROOT}tasks/random_model.ts`);
  },
);

test(
  "tiebreak ends with the task's exit code, and names no task that is not there",
  running,
  async () => {
    await using folder = await project();
    const gone = await tiebreak(folder.path, "inspect", "gone.yaml");
    assertEquals(gone.code, 1);
    const unknown = await tiebreak(folder.path, "trian");
    assertEquals(unknown.code, 1);
    assertStringIncludes(unknown.told, 'Cannot run task "trian"');
    const { told } = await tiebreak(folder.path, "train");
    assertStringIncludes(told, "tiebreak train RECIPE");
    const { out } = await tiebreak(folder.path, "score", "--help");
    assertStringIncludes(out, "tiebreak score");
    assertEquals(`${told}${out}`.includes("deno task"), false);
  },
);

/** The words with which a launcher starts Deno, with its own folder as PROJECT. */
async function launched(
  file: string,
  { folder, words }: { folder: string; words: string },
): Promise<readonly string[]> {
  const text = (await Deno.readTextFile(`${ROOT}${file}`))
    .replaceAll("\\\n", " ").replaceAll(folder, "PROJECT/")
    .replaceAll(words, "WORDS").replaceAll(/["\r]/g, "");
  const [, line = ""] = /^(?:exec )?(deno run .*)$/m.exec(text) ?? [];
  return line.replaceAll("\\", "/").split(/ +/);
}

test("tiebreak.cmd starts what tiebreak starts", OPTIONS, async () => {
  const sh = await launched("tiebreak", {
    folder: "$project/",
    words: "$@",
  });
  const cmd = await launched("tiebreak.cmd", { folder: "%~dp0", words: "%*" });
  assertEquals(cmd, sh);
  assertEquals(sh.slice(-2), ["PROJECT/tasks/tiebreak.ts", "WORDS"]);
});

/** Runs the last part of setup.sh in a clone, with a folder for programs at `bin`. */
async function linkLauncher(
  clone: string,
  { bin, temporary }: { bin: string; temporary: string },
): Promise<string> {
  const functions = /^(say|on_path|link_launcher)\(\) \{(.*\}|[^]*?^\})$/gm;
  const text = (await Deno.readTextFile(`${ROOT}setup.sh`)).match(functions);
  assertEquals(text?.length, 3);
  const { stderr } = await new Deno.Command("sh", {
    args: ["-euc", [...text!, "link_launcher"].join("\n")],
    cwd: clone,
    env: {
      PATH: `${bin}:/usr/bin:/bin`,
      HOME: bin.replace(/\/bin$/, ""),
      TMPDIR: temporary,
    },
  }).output();
  return new TextDecoder().decode(stderr).trim();
}

test(
  "setup.sh links the launcher once, and takes it from no other clone",
  { ...running, permissions: { ...running.permissions, run: ["sh"] } },
  async () => {
    await using folder = await temporaryFolder();
    const bin = folder.file("bin");
    const clones = ["one", "two"].map((name) => folder.file(name));
    const [one, two] = clones as [string, string];
    for (const clone of clones) {
      await Deno.mkdir(clone);
      await Deno.writeTextFile(`${clone}/tiebreak`, "", { mode: 0o755 });
    }
    const link = (clone: string, temporary = "/nowhere") =>
      linkLauncher(clone, { bin, temporary });
    const linked = () => Deno.readLink(`${bin}/tiebreak`);
    assertStringIncludes(await link(two, folder.path), "gets no link");
    assertStringIncludes(await link(one), "from any folder");
    assertStringIncludes(await link(one), "from any folder");
    assertStringIncludes(await link(two), `stays a link to ${one}/tiebreak`);
    assertEquals(await linked(), `${one}/tiebreak`);
    await Deno.remove(one, { recursive: true });
    assertStringIncludes(await link(two), "from any folder");
    assertEquals(await linked(), `${two}/tiebreak`);
  },
);
