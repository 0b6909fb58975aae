/** Ctrl-C, SIGTERM and SIGHUP, sent to tasks as the system sends them. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { listCheckpoints } from "../../src/files/folders/checkpoints.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { OPTIONS, project, startProgram, startTrain } from "./small_project.ts";
import { test } from "../test_case.ts";

const INTERRUPT = fromFileUrl(
  new URL("../../tasks/interrupt.ts", import.meta.url),
);
const SOON = 20_000;

/** Ends a process that does not end by itself, with a code that no test expects. */
async function codeOf(child: Deno.ChildProcess): Promise<number> {
  const timer = setTimeout(() => child.kill("SIGKILL"), SOON);
  const { code } = await child.status;
  clearTimeout(timer);
  return code;
}

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Reads a stream to its end; `said` resolves at the words, or at the end without them. */
function hear(stream: ReadableStream<Uint8Array>, words: string) {
  const said = Promise.withResolvers<void>();
  const whole = (async () => {
    let text = "";
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text.includes(words)) said.resolve();
    }
    said.resolve();
    return text;
  })();
  return { said: said.promise, whole };
}

/** Waits until the run in `output/new` has logged some rows. */
async function rowsLogged(run: string, count: number): Promise<void> {
  for (;;) {
    const text = await Deno.readTextFile(`${run}/metrics.jsonl`)
      .catch(() => "");
    if (text.split("\n").length > count) return;
    await pause(50);
  }
}

const LONG = ["--max_steps=3000", "--logging_steps=1", "--eval_strategy=no"];

for (const [signal, wanted] of [["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  test(
    `train saves at ${signal} and exits ${wanted}`,
    OPTIONS,
    async () => {
      await using folder = await project();
      const run = folder.file("output/new");
      const child = startTrain(folder, "recipe.jsonc", ...LONG);
      const output = hear(child.stdout, "never");
      const errors = hear(child.stderr, "never");
      await rowsLogged(run, 2);
      child.kill(signal);
      assertEquals(await codeOf(child), wanted, await errors.whole);
      await output.whole;
      assertEquals((await listCheckpoints(run)).length, 1);
      assert((await errors.whole).includes(`ended by ${signal}: saving`));
    },
  );
}

test(
  "train takes a signal that deno task sends on once more as the same one, and saves",
  OPTIONS,
  async () => {
    await using folder = await project();
    const run = folder.file("output/new");
    const child = startTrain(folder, "recipe.jsonc", ...LONG);
    const output = hear(child.stdout, "never");
    const errors = hear(child.stderr, "never");
    await rowsLogged(run, 2);
    child.kill("SIGINT");
    await pause(2);
    child.kill("SIGINT");
    assertEquals(await codeOf(child), 130, await errors.whole);
    await output.whole;
    assertEquals((await listCheckpoints(run)).length, 1, await errors.whole);
  },
);

for (const [signal, wanted] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  test(
    `tiebreak sends ${signal} on to its task, which saves`,
    OPTIONS,
    async () => {
      await using folder = await project();
      const run = folder.file("output/new");
      const child = new Deno.Command("deno", {
        args: [
          "run",
          "-q",
          "--no-prompt",
          "-A",
          fromFileUrl(new URL("../../tasks/tiebreak.ts", import.meta.url)),
          "train",
          "recipe.jsonc",
          ...LONG,
        ],
        cwd: folder.path,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const output = hear(child.stdout, "never");
      const errors = hear(child.stderr, "never");
      await rowsLogged(run, 2);
      child.kill(signal);
      assertEquals(await codeOf(child), wanted, await errors.whole);
      await output.whole;
      assertEquals((await listCheckpoints(run)).length, 1);
    },
  );
}

/** Starts a program of a few lines beside tasks/interrupt.ts; resolves once it says "ready". */
async function startSmall(path: string, lines: string) {
  const child = new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "--allow-read", path],
    stdout: "piped",
    stderr: "piped",
  });
  await Deno.writeTextFile(
    path,
    `import * as by from ${JSON.stringify(`file://${INTERRUPT}`)};
     const ready = () => console.log("ready");
     const hang = () => { ready(); for (;;); };
     ${lines}`,
  );
  const started = child.spawn();
  const output = hear(started.stdout, "ready");
  const errors = hear(started.stderr, "never");
  await output.said;
  return {
    started,
    ended: async () => {
      const code = await codeOf(started);
      await output.whole;
      return { code, errors: await errors.whole };
    },
  };
}

for (
  const [first, second, wanted] of [
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGTERM", 143],
    ["SIGTERM", "SIGINT", 130],
    ["SIGHUP", "SIGTERM", 143],
  ] as const
) {
  test(
    `a task whose thread hangs is ended at once by ${second} after ${first}`,
    OPTIONS,
    async () => {
      await using folder = await temporaryFolder();
      const small = await startSmall(
        folder.file("hang.ts"),
        "Deno.exit(await by.leaveNothing(async () => hang()));",
      );
      small.started.kill(first);
      await pause(300);
      small.started.kill(second);
      assertEquals((await small.ended()).code, wanted);
    },
  );
}

test(
  "endAtOnce() exits with the code of each signal",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const codes = await Promise.all(
      (["SIGINT", "SIGTERM", "SIGHUP"] as const).map(async (signal) => {
        const small = await startSmall(
          folder.file(`${signal}.ts`),
          "await by.endAtOnce(); addEventListener('unload', () => console.error('own exit'));" +
            " ready(); setTimeout(() => {}, 60_000);",
        );
        small.started.kill(signal);
        const { code, errors } = await small.ended();
        return [code, errors.trim()];
      }),
    );
    assertEquals(codes, [130, 143, 129].map((code) => [code, "own exit"]));
  },
);

test(
  "train ends at SIGTERM before its first step with the reason, and leaves no folder half made",
  OPTIONS,
  async () => {
    await using folder = await project();
    const rows = Array.from(
      { length: 4000 },
      (_, i) =>
        JSON.stringify({ prompt: `${i}`, chosen: "yes", rejected: "no" }),
    );
    await folder.write("pairs.jsonl", rows.join("\n"));
    const child = startProgram("tasks/train.ts", folder, [
      "recipe.jsonc",
      "--eval_strategy=no",
    ]);
    const output = hear(child.stdout, "rows kept");
    const errors = hear(child.stderr, "never");
    await output.said;
    child.kill("SIGTERM");
    assertEquals(await codeOf(child), 143, await errors.whole);
    await output.whole;
    assert((await errors.whole).includes("nothing to save"));
    assertEquals(await listCheckpoints(folder.file("output/new")), []);
  },
);

test(
  "all ends as the task that a signal ends, and goes on with it next time",
  OPTIONS,
  async () => {
    await using folder = await project();
    const run = folder.file("output/new");
    const start = () =>
      new Deno.Command("deno", {
        args: [
          "run",
          "-q",
          "--no-prompt",
          "-A",
          fromFileUrl(new URL("../../tasks/all.ts", import.meta.url)),
          "recipe.jsonc",
          "--prompts=0",
          ...LONG,
        ],
        cwd: folder.path,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    const first = start();
    const firstOutput = hear(first.stdout, "never");
    const firstErrors = hear(first.stderr, "never");
    await rowsLogged(run, 2);
    first.kill("SIGINT");
    assertEquals(await codeOf(first), 130, await firstErrors.whole);
    await firstOutput.whole;
    assert(!(await firstErrors.whole).includes("predict"));
    const { path } = (await listCheckpoints(run))[0]!;
    const second = start();
    const secondOutput = hear(second.stdout, "never");
    const secondErrors = hear(second.stderr, "goes on from");
    await secondErrors.said;
    second.kill("SIGTERM");
    assertEquals(await codeOf(second), 143, await secondErrors.whole);
    await secondOutput.whole;
    assert((await secondErrors.whole).includes(path.split("/").at(-1)!));
    assertEquals((await listCheckpoints(run))[0]!.path, path);
  },
);
