import { assertEquals } from "@std/assert";
import { vocabularyChunks } from "../../../kernels/vocabulary/vocabulary_chunks.ts";

const LIMITS = { hiddenSize: 896, chunkBytes: 32 << 20, windowBytes: 1 << 27 };

function chunks(vocabulary: number, targets: number, limits = {}) {
  return vocabularyChunks({ vocabulary, targets, ...LIMITS, ...limits });
}

function pureTest(name: string, fn: () => void): void {
  const sanitizers = { sanitizeOps: true, sanitizeResources: true };
  Deno.test({ name, permissions: "none", ...sanitizers, fn });
}

pureTest(
  "vocabularyChunks() covers each vocabulary once, from multiples of 64",
  () => {
    for (const vocabulary of [1, 33, 64, 512, 600, 50_257, 151_936]) {
      for (const targets of [1, 7, 533, 4000, 1_000_000]) {
        let next = 0;
        for (const { first, rows } of chunks(vocabulary, targets)) {
          assertEquals(first, next);
          assertEquals(first % 64, 0);
          next += rows;
        }
        assertEquals(next, vocabulary);
      }
    }
  },
);

pureTest(
  "vocabularyChunks() keeps the logits of a chunk within the budget",
  () => {
    // 32 MiB / (4 * 533) = 15,738 -> 15,680 = 245 * 64
    assertEquals(chunks(151_936, 533)[0], { first: 0, rows: 15_680 });
    assertEquals(chunks(151_936, 533).length, 10);
  },
);

pureTest(
  "vocabularyChunks() keeps the head's part within the binding limit",
  () => {
    // 2^20 / (4 * 896) = 292 -> 256
    assertEquals(chunks(1000, 1, { windowBytes: 1 << 20 })[0]!.rows, 256);
  },
);

pureTest(
  "vocabularyChunks() takes 64 rows where the budget has no room for them",
  () => {
    assertEquals(chunks(128, 1_000_000).map(({ rows }) => rows), [64, 64]);
  },
);

pureTest(
  "vocabularyChunks() leaves columns that do not divide by four to a small chunk",
  () => {
    // 50,257 = 785 * 64 + 17
    assertEquals(chunks(50_257, 4).at(-1), { first: 50_240, rows: 17 });
  },
);
