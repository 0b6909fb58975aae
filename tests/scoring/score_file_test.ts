/**
 * Whole files through the score task's function: what lies in the output, and where beta comes
 * from.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { scoreFile } from "../../src/scoring/score_file.ts";
import { scoreSchema } from "../../src/scoring/score_options.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { modelTest } from "../model/model_test_case.ts";
import { assertClose } from "../model/reference_tokens.ts";
import { fixturePath } from "../fixture_path.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";

const lora = fixturePath("peft/lora");
const access = { read: [lora, TEMPORARY], write: [TEMPORARY] };

type Line = Record<string, unknown>;

/** Scores lines and reads what was written. */
async function score(
  device: Device,
  folder: TemporaryFolder,
  lines: readonly Line[],
  given: Record<string, unknown>,
): Promise<Line[]> {
  const text = lines.map((line) => JSON.stringify(line) + "\n").join("");
  const input = await folder.write("in.jsonl", text);
  const output = folder.file("deep/out.jsonl");
  const { options } = readOptions(scoreSchema, [{ input, output, ...given }]);
  assertEquals(await scoreFile(device, options), lines.length);
  return Deno.readTextFileSync(output).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
}

const MIXED = [
  { input_ids: [5, 6, 7], id: "a" },
  { prompt: "Hi", chosen: " yes", rejected: " no, thanks" },
  { prompt: "Hi", completion: " yes" },
];

await modelTest(
  "scoreFile() keeps each line and adds its scores; logits on request, by line",
  "models/qwen2",
  async (device, model) => {
    await using folder = await temporaryFolder();
    const logits = folder.file("logits.safetensors");
    const [ids, pair, plain] = await score(device, folder, MIXED, {
      model_name_or_path: model,
      logits,
      batch_tokens: 4,
    });
    assertEquals(Object.keys(ids!), ["input_ids", "id", "logps", "sum_logps"]);
    assertEquals((ids!["logps"] as number[]).length, 2);
    assertClose(
      pair!["chosen_logps"] as number[],
      plain!["logps"] as number[],
      2e-5,
      "logps of the same text",
    );
    const { tensors } = await openSafetensors(logits);
    assertEquals([...tensors.keys()].sort(), [
      "logits.1",
      "logits.2.chosen",
      "logits.2.rejected",
      "logits.3",
    ]);
    assertEquals(tensors.get("logits.1")?.shape, [3, 600]);
  },
  access,
);

await modelTest(
  "scoreFile() takes beta from the options, else from the adapter's run, else 0.1",
  "models/qwen2",
  async (device, model) => {
    await using folder = await temporaryFolder();
    const checkpoint = folder.file("run/checkpoint-3");
    await Deno.mkdir(checkpoint, { recursive: true });
    for (const { name } of Deno.readDirSync(lora)) {
      const bytes = Deno.readFileSync(`${lora}/${name}`);
      Deno.writeFileSync(`${checkpoint}/${name}`, bytes);
    }
    const margins = async (given: Line) => {
      const [line] = await score(device, folder, [MIXED[1]!], {
        model_name_or_path: model,
        adapter_name_or_path: checkpoint,
        ...given,
      });
      return line!["rewards/margins"] as number;
    };
    const tenth = await margins({ beta: 0.1 });
    assertEquals(await margins({}), tenth);
    await folder.write("run/options.json", JSON.stringify({ beta: 0.3 }));
    assertClose([await margins({})], [tenth * 3], 1e-9, "margins");
    assertClose([await margins({ beta: 0.2 })], [tenth * 2], 1e-9, "margins");
    assertClose(
      [await margins({ adapter_name_or_path: folder.file("run") })],
      [tenth * 3],
      1e-9,
      "margins of the run",
    );
  },
  access,
);

await modelTest(
  "scoreFile() leaves an older output as it was when a line is broken",
  "models/qwen2",
  async (device, model) => {
    await using folder = await temporaryFolder();
    await score(device, folder, MIXED, { model_name_or_path: model });
    const before = Deno.readTextFileSync(folder.file("deep/out.jsonl"));
    await assertRejects(
      () =>
        score(device, folder, [...MIXED, { input_ids: [600] }], {
          model_name_or_path: model,
        }),
      TypeError,
      "line 4: token 600",
    );
    assertEquals(Deno.readTextFileSync(folder.file("deep/out.jsonl")), before);
    const names = Array.from(
      Deno.readDirSync(folder.file("deep")),
      ({ name }) => name,
    );
    assertEquals(names, ["out.jsonl"]);
  },
  access,
);

await modelTest(
  "scoreFile() with load_in_8bit scores what the codes stand for, near the weights",
  "models/qwen2",
  async (device, model) => {
    await using folder = await temporaryFolder();
    const logps = async (given: Line) => {
      const [line] = await score(device, folder, [MIXED[0]!], {
        model_name_or_path: model,
        ...given,
      });
      return line!["sum_logps"] as number;
    };
    const stored = await logps({});
    const coded = await logps({ load_in_8bit: true });
    assert(coded !== stored && Math.abs(coded / stored - 1) < 0.02);
  },
  access,
);
