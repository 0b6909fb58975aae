/** Processors and filters beside transformers' own, on rows with equal and with banned tokens. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { logitsProcessors } from "../../src/generation/logits_processors.ts";
import {
  filterLogits,
  probabilityFilters,
} from "../../src/generation/probability_filters.ts";
import { test } from "../test_case.ts";

/** A row of logits and what transformers made of it; null is -Infinity. */
interface Case {
  /** generation_config.json */
  readonly config: Record<string, unknown>;
  readonly prompt: number[];
  readonly generated: number[];
  readonly max_new_tokens: number;
  /** The tokens that end an answer. */
  readonly stop: number[];
  readonly logits: (number | null)[];
  readonly processed: (number | null)[];
}

const FIXTURE = fromFileUrl(
  new URL("../fixtures/logits_processors.json", import.meta.url),
);

const rowOf = (values: Case["logits"]) =>
  Float32Array.from(values, (value) => value ?? -Infinity);

/** What is left of the row, up to a constant, which changes no probability. */
function leftOf({ config, prompt, generated, ...one }: Case): Float32Array {
  const logits = rowOf(one.logits);
  const progress = {
    ids: [...prompt, ...generated],
    promptLength: prompt.length,
    maxNewTokens: one.max_new_tokens,
    stopIds: new Set(one.stop),
  };
  for (const process of logitsProcessors(config)) process(logits, progress);
  const sampling = { temperature: 1, top_k: 0, top_p: 1, ...config };
  return filterLogits(logits, sampling, probabilityFilters(config));
}

/** In nats, in float64. */
function logSoftmax(logits: Float32Array): number[] {
  const most = Math.max(...logits);
  const sum = [...logits].reduce((sum, x) => sum + Math.exp(x - most), 0);
  return [...logits].map((logit) => logit - most - Math.log(sum));
}

test({
  name: "logitsProcessors() and filterLogits() leave what transformers leaves",
  permissions: { read: [FIXTURE] },
  async fn(context) {
    const { cases } = JSON.parse(await Deno.readTextFile(FIXTURE)) as {
      cases: Case[];
    };
    assertEquals(cases.length, 56);
    for (const [i, one] of cases.entries()) {
      await context.step(`${i + 1} ${JSON.stringify(one.config)}`, () => {
        const got = logSoftmax(leftOf(one));
        // the fixture has six digits
        for (const [id, want] of logSoftmax(rowOf(one.processed)).entries()) {
          if (want === -Infinity) assertEquals(got[id], want);
          else assertAlmostEquals(got[id]!, want, 1e-4);
        }
      });
    }
  },
});
