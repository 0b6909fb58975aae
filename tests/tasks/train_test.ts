/** `deno task train` from start to end, interrupted, and continued. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { parseJsonLines } from "../../src/base/json_lines.ts";
import { listCheckpoints } from "../../src/files/folders/checkpoints.ts";
import { OPTIONS, project, startTrain, train } from "./small_project.ts";
import { test } from "../test_case.ts";

async function metrics(run: string): Promise<Record<string, number>[]> {
  const text = await Deno.readTextFile(join(run, "metrics.jsonl"));
  return [...parseJsonLines(text)].map(({ value }) =>
    value as Record<string, number>
  );
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

/** Waits until a run has logged some rows. */
async function rowsLogged(run: string, count: number): Promise<void> {
  for (;;) {
    const rows = await metrics(run).catch(() => []);
    if (rows.length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test(
  "train writes options, metrics, curves and a model that others load",
  OPTIONS,
  async () => {
    await using folder = await project();
    const words = [
      "--max_steps=4",
      "--logging_steps=2",
      "--eval_strategy=no",
      "--use_peft",
    ];
    const { code, lines } = await train(folder, "recipe.jsonc", ...words);
    assertEquals(code, 0, lines.join("\n"));
    const run = folder.file("output/new");
    const names = [...Deno.readDirSync(run)].map(({ name }) => name).sort();
    assertEquals(names, [
      "README.md",
      "adapter_config.json",
      "adapter_model.safetensors",
      "chat_template.jinja",
      "curves.svg",
      "manifest.json",
      "metrics.jsonl",
      "options.json",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    assertEquals((await metrics(run)).map(({ step }) => step), [2, 4]);
    const card = await Deno.readTextFile(join(run, "README.md"));
    const pairs = await Deno.readFile(folder.file("pairs.jsonl"));
    for (
      const part of [await sha256(pairs), "| training | 3 | 3 |", "max_steps"]
    ) {
      assert(card.includes(part), card);
    }
  },
);

test(
  "train saves at Ctrl-C, exits 130, and goes on from there",
  OPTIONS,
  async () => {
    await using folder = await project();
    const run = folder.file("output/new");
    const process = startTrain(
      folder,
      "recipe.jsonc",
      "--max_steps=100000",
      "--logging_steps=1",
    );
    await rowsLogged(run, 2);
    process.kill("SIGINT");
    const { code } = await process.output();
    assertEquals(code, 130);
    const [saved] = await listCheckpoints(run);
    assert(saved, "no checkpoint");
    assertEquals((await metrics(run)).at(-1)?.["step"], saved.step);
    const further = `--max_steps=${saved.step + 2}`;
    const resumed = await train(
      folder,
      "recipe.jsonc",
      further,
      "--logging_steps=1",
      "--resume_from_checkpoint",
    );
    assertEquals(resumed.code, 0, resumed.lines.join("\n"));
    const steps = (await metrics(run)).map(({ step }) => step);
    assertEquals(
      steps,
      Array.from({ length: saved.step + 2 }, (_, i) => i + 1),
    );
  },
);

/** Waits until a stream has said something; the rest of the stream is read and dropped. */
async function waitFor(
  stream: ReadableStream<Uint8Array>,
  words: string,
): Promise<void> {
  let said = "";
  const found = Promise.withResolvers<void>();
  const whole = (async () => {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      said += piece;
      if (said.includes(words)) found.resolve();
    }
  })();
  await Promise.race([found.promise, whole]);
  assert(said.includes(words), said);
}

test(
  "train exits 130 at Ctrl-C in the reference pass, and says that there is nothing to save",
  OPTIONS,
  async () => {
    await using folder = await project();
    const rows = Array.from(
      { length: 4000 },
      (_, i) =>
        JSON.stringify({ prompt: `${i}`, chosen: "yes", rejected: "no" }),
    );
    await folder.write("pairs.jsonl", rows.join("\n"));
    const process = startTrain(folder, "recipe.jsonc", "--eval_strategy=no");
    const errors = new Response(process.stderr).text();
    await waitFor(process.stdout, "rows kept");
    process.kill("SIGINT");
    const { code } = await process.status;
    assertEquals(code, 130, await errors);
    assert((await errors).includes("nothing to save"), await errors);
    assert(!(await errors).includes("error:"), await errors);
  },
);

test(
  "train says which tile it measured, and the next run that it knew it",
  OPTIONS,
  async () => {
    await using folder = await project();
    const said = async (...words: string[]) => {
      const { code, lines } = await train(folder, "recipe.jsonc", ...words);
      assertEquals(code, 0, lines.join("\n"));
      return lines.filter((line) => line.startsWith("products:"));
    };
    // so little work repays no measuring
    assertEquals(await said(), []);
    const again = "--overwrite_output_dir";
    const [measured] = await said(again, "--retune");
    assert(/^products: tile [\dx]+ \(measured now\)$/.test(measured ?? ""));
    assertEquals(await said(again), [
      measured!.replace("measured now", "known"),
    ]);
  },
);
