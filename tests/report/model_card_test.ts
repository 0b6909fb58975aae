/** The card of a run: front matter that hubs read, and all that the record has. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/yaml";
import { modelCard } from "../../src/report/model_card.ts";
import type { RunRecord } from "../../src/training/run/run_record.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const RECORD: RunRecord = {
  output: "output/mine",
  base: "model_hub/Qwen--Qwen2-0.5B",
  baseRepo: "Qwen/Qwen2-0.5B",
  trainer: "dpo",
  head: "tokens",
  adapter: true,
  steps: 20,
  options: { beta: 0.2, columns: { prompt: "a|b" } },
  data: [
    { path: "a.jsonl", role: "training", rows: 9, taken: 8, sha256: "abc" },
    {
      path: "b.jsonl",
      role: "evaluation",
      rows: 3,
      taken: 3,
      sha256: undefined,
    },
  ],
  metrics: [{ step: 20, loss: 0.123456789 }, { eval_loss: 0.5 }],
  weights: [{ path: "adapter_model.safetensors", sha256: "def" }],
};

/** The parsed front matter. */
function frontMatter(card: string): unknown {
  return parse(card.match(/^---\n([^]*?)\n---\n/)?.[1] ?? "");
}

test("modelCard() begins with what hubs read", pure, () => {
  assertEquals(frontMatter(modelCard(RECORD)), {
    base_model: "Qwen/Qwen2-0.5B",
    library_name: "peft",
    pipeline_tag: "text-generation",
    tags: ["dpo", "lora", "tiebreak"],
  });
  const whole = { ...RECORD, adapter: false, baseRepo: undefined };
  assertEquals(frontMatter(modelCard(whole)), {
    library_name: "transformers",
    pipeline_tag: "text-generation",
    tags: ["dpo", "tiebreak"],
  });
});

test(
  "modelCard() of a reward model says how to get its numbers",
  pure,
  () => {
    const reward = { ...RECORD, trainer: "reward", head: "score" } as const;
    const card = modelCard(reward);
    assert(card.includes("pipeline_tag: text-classification"));
    assert(card.includes("deno task score --model_name_or_path=model_hub/"));
    assert(card.includes("--adapter_name_or_path=output/mine --input="));
    assert(
      card.includes(
        'AutoPeftModelForSequenceClassification.from_pretrained("output/mine", num_labels=1)',
      ),
    );
    const whole = modelCard({ ...reward, adapter: false });
    assert(
      whole.includes(
        'AutoModelForSequenceClassification.from_pretrained("output/mine")',
      ),
    );
  },
);

test(
  "modelCard() has data, options, metrics, weights and commands",
  pure,
  () => {
    const card = modelCard(RECORD);
    const lines = [
      "# mine",
      "| `a.jsonl` | training | 9 | 8 | `abc` |",
      "| `b.jsonl` | evaluation | 3 | 3 | the file was missing |",
      "| `beta` | `0.2` |",
      String.raw`| ${"`columns`"} | ${'`{"prompt":"a\\|b"}`'} |`,
      "| `loss` | 0.123457 |",
      "| `eval_loss` | 0.5 |",
      "| `adapter_model.safetensors` | `def` |",
      "deno task merge --model_name_or_path=model_hub/Qwen--Qwen2-0.5B --adapter_name_or_path=output/mine --output_dir=output/mine-merged",
      'model = AutoPeftModelForCausalLM.from_pretrained("output/mine")',
    ];
    const found = new Set(card.split("\n"));
    assertEquals(lines.filter((line) => !found.has(line)), []);
  },
);

test(
  "modelCard() shows full weights as a model of their own",
  pure,
  () => {
    const card = modelCard({ ...RECORD, adapter: false });
    assert(card.includes("from transformers import AutoModelForCausalLM"));
    assert(!card.includes("deno task merge"));
    assert(
      card.includes(
        "--model_name_or_path=output/mine --output=output/mine.gguf",
      ),
    );
  },
);
