/** Which kernel runs when: the rows of the table by device and sizes. */
import { assertEquals } from "@std/assert";
import { PATHS } from "../../../kernels/device/paths.ts";
import { test } from "../../test_case.ts";

const cpu = { kind: "cpu" } as const;
const gpu = { kind: "gpu" } as const;
const pure = { permissions: "none" } as const;

test(
  "PATHS.matmul takes few plain rows by a kernel of their own, on GPUs alone",
  pure,
  () => {
    const few = { mode: "nt", rows: 4, isPlain: true } as const;
    assertEquals(PATHS.matmul(cpu, few), "matmul_cpu");
    assertEquals(PATHS.matmul(gpu, few), "few_rows_gpu");
    assertEquals(PATHS.matmul(gpu, { ...few, rows: 5 }), "matmul_gpu");
    assertEquals(PATHS.matmul(gpu, { ...few, mode: "nn" }), "matmul_gpu");
    assertEquals(PATHS.matmul(gpu, { ...few, isPlain: false }), "matmul_gpu");
  },
);

test("PATHS.lowRank takes one launch where there are few tokens", pure, () => {
  const few = { tokens: 4, fits: true, together: true };
  assertEquals(PATHS.lowRank(cpu, few), "low_rank_cpu");
  assertEquals(PATHS.lowRank(cpu, { ...few, tokens: 5 }), "matmul");
  assertEquals(PATHS.lowRank(cpu, { ...few, tokens: 0 }), "matmul");
  assertEquals(PATHS.lowRank(cpu, { ...few, fits: false }), "matmul");
  assertEquals(PATHS.lowRank(gpu, few), "together_gpu");
  assertEquals(PATHS.lowRank(gpu, { ...few, together: false }), "matmul");
});

test(
  "PATHS.attention takes whole words that fit to a CPU's kernel",
  pure,
  () => {
    const head = { headDim: 64, fits: true };
    assertEquals(PATHS.attention(cpu, head), "attention_cpu");
    assertEquals(PATHS.attention(gpu, head), "attention_gpu");
    assertEquals(
      PATHS.attention(cpu, { ...head, headDim: 6 }),
      "attention_gpu",
    );
    assertEquals(
      PATHS.attention(cpu, { ...head, fits: false }),
      "attention_gpu",
    );
  },
);

test(
  "PATHS.cachedAttention lets few queries, or queries of separate sequences, walk alone",
  pure,
  () => {
    const path = (queries: number, separate: boolean) =>
      PATHS.cachedAttention(cpu, { queries, separate });
    assertEquals(path(4, false), "cached_attention_cpu");
    assertEquals(path(5, false), "attention_cpu");
    assertEquals(path(5, true), "cached_attention_cpu");
  },
);

test(
  "PATHS.rmsNorm and PATHS.vocabularyChunk want whole words on a CPU",
  pure,
  () => {
    assertEquals(PATHS.rmsNorm(cpu, { rows: 4, cols: 8 }), "rms_norm_cpu");
    assertEquals(PATHS.rmsNorm(cpu, { rows: 5, cols: 8 }), "rms_norm");
    assertEquals(PATHS.rmsNorm(cpu, { rows: 0, cols: 8 }), "rms_norm");
    assertEquals(PATHS.rmsNorm(cpu, { rows: 4, cols: 6 }), "rms_norm");
    assertEquals(PATHS.rmsNorm(gpu, { rows: 4, cols: 8 }), "rms_norm");
    assertEquals(
      PATHS.vocabularyChunk(cpu, { cols: 8 }),
      "vocabulary_chunk_cpu",
    );
    assertEquals(
      PATHS.vocabularyChunk(cpu, { cols: 7 }),
      "vocabulary_chunk_gpu",
    );
    assertEquals(
      PATHS.vocabularyChunk(gpu, { cols: 8 }),
      "vocabulary_chunk_gpu",
    );
  },
);
