/** Keys of other tools among options of ours: each is answered as the tool's own table has it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Given, readOptions } from "../../src/base/read_options.ts";
import {
  aliasOf,
  type ForeignKey,
  foreignKeyOf,
  optionsOf,
} from "../../src/base/schema.ts";
import { withOtherKeys } from "../../src/commands/other_keys.ts";
import { predictCommand } from "../../src/commands/predict.ts";
import { downloadCommand } from "../../src/commands/download.ts";
import { exportGgufCommand } from "../../src/commands/export_gguf.ts";
import { mergeCommand } from "../../src/commands/merge.ts";
import { nameHere, otherNames } from "../../src/commands/other_names.ts";
import { scoreCommand } from "../../src/commands/score.ts";
import { uploadCommand } from "../../src/commands/upload.ts";
import { trainCommand } from "../../src/commands/train.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { otherKey } from "../../src/training/importing/other_tools.ts";
import { axolotlRules } from "../../src/training/importing/axolotl.ts";
import { llamaFactoryRules } from "../../src/training/importing/llama_factory.ts";
import { llamaFactoryV1Rules } from "../../src/training/importing/llama_factory_v1.ts";
import { mlxLmRules } from "../../src/training/importing/mlx_lm.ts";
import { msSwiftRules } from "../../src/training/importing/ms_swift.ts";
import { openInstructRules } from "../../src/training/importing/open_instruct.ts";
import { trlRules } from "../../src/training/importing/trl.ts";
import { test } from "../test_case.ts";

const MODEL = { model_name_or_path: "model", dataset: "rows.jsonl" };

/** What a command line is told; undefined if its options are read. */
async function told(given: Given, recipe?: Given): Promise<string> {
  const schema = await withOtherKeys(trainCommand, {
    given,
    ...recipe && { recipe },
  });
  try {
    return readOptions(schema, [MODEL, recipe ?? {}, given]).warnings.join();
  } catch (error) {
    assert(error instanceof TypeError);
    return error.message.replace("Cannot read the options: ", "");
  }
}

const isOurs = (key: string) =>
  optionsOf(trainSchema).has(key) || aliasOf(trainSchema, key) !== undefined ||
  foreignKeyOf(trainSchema, key) !== undefined;

const WORDS: readonly (readonly [key: string, word: unknown, told: string])[] =
  [
    ["cutoff_len", "512", "LLaMA-Factory's; here it is --max_length=512"],
    ["pref_beta", "0.2", "LLaMA-Factory's; here it is --beta=0.2"],
    [
      "num_epochs",
      "3",
      "Axolotl, open-instruct and TRL's; here it is --num_train_epochs=3",
    ],
    [
      "micro_batch_size",
      "2",
      "LLaMA-Factory and Axolotl's; here it is --per_device_train_batch_size=2",
    ],
    [
      "lora_rank",
      "8",
      "LLaMA-Factory, ms-swift and open-instruct's; here it is --lora_r=8",
    ],
    ["sequence_len", "512", "Axolotl's; here it is --max_length=512"],
    [
      "val_size",
      "0.1",
      'here it is --eval_strategy=epoch {"test_split_size":0.1} in --dataset_mixture',
    ],
    ["quantization_bit", "4", "here it is --load_in_4bit=true"],
    ["lora_target", "all", "here it is --lora_target_modules=all-linear"],
    ["lora_target", "q_proj,v_proj", "--lora_target_modules=q_proj,v_proj"],
    ["adapter", "qlora", "Axolotl's; here it is --use_peft=true"],
    ["use_lora", true, "TRL's; here it is --use_peft=true"],
    ["rlhf_type", "kto", "ms-swift's; here it is --trainer=kto"],
    ["stage", "dpo", "LLaMA-Factory's; here it is --trainer=dpo"],
    ["pref_loss", "ipo", "here it is --loss_type=ipo"],
    ["use_galore", true, "this way of training is not served"],
    [
      "vllm_enforce_eager",
      true,
      "is ignored: LLaMA-Factory, ms-swift and TRL's; see the predict task",
    ],
    ["no_such_key_at_all", "8", "is not an option"],
  ];

test(
  "withOtherKeys() tells what a key of another tool is called here",
  {},
  async () => {
    for (const [key, word, says] of WORDS) {
      const line = await told({ [key]: word });
      assertStringIncludes(line, `"${key}" is`);
      assertStringIncludes(line, says);
      assert(!line.includes("did you mean"), line);
    }
  },
);

test(
  "withOtherKeys() answers a recipe of ours in the words of a recipe",
  {},
  async () => {
    const recipe = {
      cutoff_len: 512,
      quantization_bit: 4,
      double_quantization: false,
    };
    const line = await told({}, recipe);
    assertStringIncludes(
      line,
      '"max_length": 512, "length_policy": "completion_end"',
    );
    assertStringIncludes(
      line,
      '"load_in_4bit": true, "use_bnb_nested_quant": false',
    );
    assertEquals(await told({}, { lora_rank: null, flash_attn: null }), "");
  },
);

test(
  "withOtherKeys() says of which task an option is that this one lacks",
  {},
  async () => {
    const given = { cutoff_len: "512", adapters: "output/mine" };
    const { foreign } = await withOtherKeys(predictCommand, { given });
    assertStringIncludes(
      foreign.cutoff_len!.reason,
      "for deno task train it is --max_length=512",
    );
    assertEquals(foreign.adapters, {
      reason: "here it is --tuned=output/mine",
      allowed: [],
    });
  },
);

test(
  "every key of every tool's table is answered by an option of ours or a reason",
  {},
  async () => {
    const tables = [
      axolotlRules,
      llamaFactoryRules,
      llamaFactoryV1Rules,
      mlxLmRules,
      msSwiftRules,
      openInstructRules,
      trlRules,
    ];
    const names = new Set(tables.flatMap((rules) => Object.keys(rules)));
    const own = optionsOf(trainSchema);
    let count = 0;
    for (const name of names) {
      const key = name.replace("*", "x");
      if (isOurs(key)) continue;
      count++;
      for (const value of [true, 4, "lora"]) {
        const answer = await otherKey(key, { ...MODEL, [key]: value });
        assert(answer !== undefined && answer.tools.length > 0, key);
        const options = Object.keys(answer.options);
        assert(options.length > 0 || answer.reason !== undefined, key);
        assertEquals(options.filter((option) => !own.has(option)), [], key);
      }
    }
    assert(count > 250, `${count} keys`);
    assertEquals(await otherKey("no_such_key", {}), undefined);
  },
);

test(
  "withOtherKeys() says what is not an option under another common name",
  {},
  async () => {
    const { foreign } = await withOtherKeys(predictCommand, {
      given: { prompts: "f.jsonl" },
    });
    assertEquals(foreign.prompts!.reason, "here it is --input=f.jsonl");
    for (
      const [given, words] of [
        [{ do_sample: "false" }, "--temperature=0"],
        [{ do_sample: "True" }, "--temperature=1"],
        [{ greedy: true }, "--temperature=0"],
      ] as const
    ) {
      const { foreign } = await withOtherKeys(predictCommand, { given });
      const [[, { reason, allowed }]] = Object.entries(foreign)
        .filter(([key]) => key in given) as [[string, ForeignKey]];
      assertEquals([reason, allowed], [`here it is ${words}`, []]);
    }
    assertStringIncludes(
      await told({ lr: "1e-5" }),
      "here it is --learning_rate=1e-5",
    );
  },
);

test(
  "every other name is told an option of its task, and is none itself",
  {},
  () => {
    const commands: Readonly<
      Record<string, { schema: Parameters<typeof optionsOf>[0] }>
    > = {
      predict: predictCommand,
      train: trainCommand,
      score: scoreCommand,
      merge: mergeCommand,
      "export-gguf": exportGgufCommand,
      download: downloadCommand,
      upload: uploadCommand,
    };
    for (const [task, names] of Object.entries(otherNames)) {
      const own = optionsOf(commands[task]!.schema);
      for (const [name, others] of Object.entries(names)) {
        assert(own.has(name), `${task} ${name}`);
        for (const other of others) {
          assert(!own.has(other), `${task} ${other}`);
          assertEquals(nameHere(task, other), name);
        }
      }
    }
    assertEquals(nameHere("inspect", "lr"), "learning_rate");
    assertEquals(nameHere("kernels", "lr"), undefined);
  },
);

test(
  "withOtherKeys() names the task that uploads, with the names of the run",
  {},
  async () => {
    const recipe = { output_dir: "output/mine", hub_model_id: "me/mine" };
    assertStringIncludes(
      await told({}, recipe),
      "deno task upload output/mine --to=huggingface:me/mine",
    );
    assertStringIncludes(
      await told({ push_to_hub: true }),
      "deno task upload OUTPUT_DIR",
    );
  },
);
