import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openModelFolder } from "../../src/files/folders/model_folder.ts";
import { characterFiles } from "../preference/tokens/character_encoder.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const OPTIONS = {
  permissions: { read: [ROOT, TEMPORARY], write: [TEMPORARY], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Runs the task in a folder, under which it may write `output`. */
async function run(cwd: string, words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--allow-read",
      `--allow-write=${cwd}/output`,
      `--config=${ROOT}deno.json`,
      `${ROOT}tasks/random_model.ts`,
      ...words,
    ],
    cwd,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

const CONFIG = {
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 99,
};

test(
  "random-model writes a folder that loads, with the tokenizer beside the config, and never over another",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const { tokenizer } = characterFiles();
    await folder.write("tokenizer.json", JSON.stringify(tokenizer));
    await folder.write(
      "config.json",
      JSON.stringify({
        ...CONFIG,
        quantization_config: { quant_method: "awq" },
      }),
    );
    const words = ["--config=config.json", "--output_dir=output/new"];
    const first = await run(folder.path, words);
    // two embeddings 99 x 8; four of 8 x 8, three of 8 x 12, two norms of 8; a norm
    const parameters = 2 * 792 + 4 * 64 + 3 * 96 + 16 + 8;
    assertEquals(first.code, 0, first.stderr);
    assertStringIncludes(
      first.stdout,
      `${parameters.toLocaleString("en")} parameters in bfloat16`,
    );
    const model = await openModelFolder(folder.file("output/new"));
    assertEquals(model.tokenizer, tokenizer as Record<string, unknown>);
    const written = JSON.parse(
      await Deno.readTextFile(folder.file("output/new/config.json")),
    );
    assertEquals(written, { ...CONFIG, torch_dtype: "bfloat16" });
    const second = await run(folder.path, words);
    assertEquals(second.code, 1);
    assertStringIncludes(
      second.stderr,
      'Cannot write to "output/new": it holds another run\'s "model.safetensors"; choose another output_dir, or remove what is there',
    );
  },
);
