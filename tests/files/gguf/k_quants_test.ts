/**
 * Blocks of GGUF beside those of ggml, whose bytes, and the numbers that it reads from them, were
 * taken from its library by tests/bench/peers/ggml_blocks.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Random } from "../../../src/base/random.ts";
import {
  firstBeyondBound,
  fromGguf,
  toGguf,
} from "../../../src/files/gguf/gguf_blocks.ts";
import type { GgufType } from "../../../src/files/gguf/gguf.ts";
import { test } from "../../test_case.ts";

const FIXTURE = fromFileUrl(
  new URL("../../fixtures/ggml_blocks.json", import.meta.url),
);

interface Case {
  readonly name: string;
  readonly type: GgufType;
  /** In base64: the numbers, ggml's bytes of them, and what it reads from these. */
  readonly values: string;
  readonly bytes: string;
  readonly read: string;
}

const floats = (base64: string) =>
  new Float32Array(Uint8Array.fromBase64(base64).buffer);

const squares = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);

test(
  "fromGguf() reads ggml's blocks as ggml does, and toGguf() errs no more than it",
  { permissions: { read: [FIXTURE] } },
  () => {
    const cases: Case[] = JSON.parse(Deno.readTextFileSync(FIXTURE));
    for (const { name, type, ...packed } of cases) {
      const [values, want] = [floats(packed.values), floats(packed.read)];
      const bytes = Uint8Array.fromBase64(packed.bytes);
      assertEquals(fromGguf(bytes, type), want, `${name}, ${type}`);
      const ours = toGguf(values, type);
      const [own, theirs] = [fromGguf(ours, type), want]
        .map((read) => squares(values, read));
      assert(own! <= theirs!, `${name}, ${type}: ${own}, ${theirs}`);
      // for these types there is one way to choose codes
      if (type === "Q5_0" || type === "Q5_1") assertEquals(ours, bytes);
    }
  },
);

test(
  "toGguf() keeps each number of K blocks within the bound, whatever their sizes",
  { permissions: "none" },
  () => {
    const random = new Random(3);
    const draws: Readonly<Record<string, (i: number) => number>> = {
      zeros: () => 0,
      equal: () => -0.7,
      tiny: () => random.normal() * 1e-6,
      large: () => random.normal() * 1000,
      "groups of other sizes": (i) => random.normal() * 10 ** (i >> 5 & 3),
      "one number": (i) => i === 77 ? 3 : 0,
      "a step": (i) => i < 128 ? 1 : -1,
    };
    for (const [name, draw] of Object.entries(draws)) {
      const values = Float32Array.from({ length: 512 }, (_, i) => draw(i));
      for (const type of ["Q4_K", "Q5_K", "Q6_K", "Q5_0", "Q5_1"] as const) {
        const restored = fromGguf(toGguf(values, type), type);
        const beyond = firstBeyondBound(values, restored, type);
        assertEquals(beyond, undefined, `${name}, ${type}`);
      }
    }
  },
);
