/** What an export leaves in a folder: a Modelfile beside it, nothing where it is refused. */
import { assertEquals, assertRejects } from "@std/assert";
import { exportGguf } from "../../../src/model/gguf/export_gguf.ts";
import type { ExportGgufOptions } from "../../../src/model/gguf/export_gguf_options.ts";
import { CONFIG, project, writeJson } from "../../tasks/small_project.ts";
import { TEMPORARY } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

function optionsOf(
  model_name_or_path: string,
  output: string,
): ExportGgufOptions {
  const common = { adapter_name_or_path: null, overwrite_output: false };
  return { ...common, model_name_or_path, output, type: "f32" };
}

const writing = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

test(
  "exportGguf() writes the Modelfile that it is given, and replaces nothing unasked",
  writing,
  async () => {
    await using folder = await project();
    await writeByteTokenizer(folder);
    const options = optionsOf(folder.file("model"), folder.file("a/b.gguf"));
    const report = await exportGguf(undefined, options, {
      modelfile: ({ from, addsBos }) => `FROM ${from} ${addsBos}`,
    });
    assertEquals(report.modelfile, folder.file("a/b.Modelfile"));
    assertEquals(
      await Deno.readTextFile(report.modelfile!),
      "FROM b.gguf false",
    );
    await assertRejects(
      () => exportGguf(undefined, options),
      TypeError,
      "it is there",
    );
    await exportGguf(undefined, { ...options, overwrite_output: true });
    assertEquals([...Deno.readDirSync(folder.file("a"))].length, 2);
    await assertRejects(
      () => exportGguf(undefined, { ...options, output: folder.file("x.bin") }),
      TypeError,
      "ends in .gguf",
    );
  },
);

/** A byte-level tokenizer in place of the project's own. */
async function writeByteTokenizer(
  folder: Awaited<ReturnType<typeof project>>,
): Promise<void> {
  await writeJson(folder, "model/tokenizer.json", {
    model: { type: "BPE", vocab: { a: 0 }, merges: [] },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false },
  });
}

test(
  "exportGguf() names what llama.cpp has not, and leaves nothing behind",
  writing,
  async () => {
    await using folder = await project();
    await writeByteTokenizer(folder);
    const refused = async (config: Record<string, unknown>, found: string) => {
      await writeJson(folder, "model/config.json", { ...CONFIG, ...config });
      const options = optionsOf(
        folder.file("model"),
        folder.file("out/x.gguf"),
      );
      await assertRejects(() => exportGguf(undefined, options), Error, found);
    };
    await refused({ hidden_act: "relu2" }, "its activation relu2 is not that");
    // a Llama reads neither key
    await refused(
      {
        model_type: "gemma3_text",
        num_key_value_heads: 1,
        final_logit_softcapping: 30,
      },
      "its softcapping is not",
    );
    await refused(
      { model_type: "phi3", partial_rotary_factor: 0.5 },
      "its partial rotation",
    );
    await refused({ mlp_bias: true }, 'gate_proj.bias" is missing');
    await refused({ num_hidden_layers: 2 }, "model.layers.1.input_layernorm");
    await refused({ vocab_size: 79 }, "has shape [80, 8], expected [79, 8]");
    assertEquals(
      [...Deno.readDirSync(folder.path)].some(({ name }) => name === "out"),
      false,
    );
  },
);
