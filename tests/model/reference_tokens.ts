/**
 * Token sequences of a reference's padded batch, without the padding, and how to compare with its
 * tensors.
 */
import { assert, assertEquals } from "@std/assert";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";

/** A padded batch of the reference, cut to its real tokens. */
export interface ReferenceTokens {
  readonly sequences: readonly (readonly number[])[];
  /**
   * Rows of a tensor `[batch, length - short, ...]` that belong to real tokens, sequence by
   * sequence.
   */
  rows(name: string, short?: number): Promise<number[][]>;
}

/**
 * Reads `input_ids` and `attention_mask` `[batch, length]` of a safetensors file; padding is on the
 * right.
 */
export async function readReferenceTokens(
  path: string,
): Promise<ReferenceTokens> {
  const io = await openSafetensors(path);
  const [batch, length] = io.tensors.get("input_ids")!.shape as [
    number,
    number,
  ];
  const integers = async (name: string) =>
    new Int32Array((await io.read(name)).buffer);
  const ids = await integers("input_ids");
  const mask = await integers("attention_mask");
  const row = <T>(all: ArrayLike<T>, i: number): T[] =>
    Array.from(all).slice(i * all.length / batch, (i + 1) * all.length / batch);
  const lengths = Array.from(
    { length: batch },
    (_, i) => row(mask, i).reduce((sum, bit) => sum + bit, 0),
  );
  return {
    sequences: lengths.map((n, i) => row(ids, i).slice(0, n)),
    async rows(name, short = 0) {
      const values = new Float32Array((await io.read(name)).buffer);
      const size = values.length / batch / (length - short);
      return lengths.map((n, i) => row(values, i).slice(0, (n - short) * size));
    },
  };
}

/** Fails where a number is further than `tolerance` from what is wanted. */
export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assertEquals(got.length, want.length, `${what}: another length`);
  for (let i = 0; i < want.length; i++) {
    assert(
      Math.abs(got[i]! - want[i]!) <= tolerance,
      `${what}[${i}] is ${got[i]}, expected ${want[i]} to ${tolerance}`,
    );
  }
}
