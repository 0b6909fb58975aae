/** Hashes of pieces, by Node's module and in JavaScript alone. */
import { assertEquals } from "@std/assert";
import { startHash, startPlainHash } from "../../../src/files/disk/hash.ts";
import { test } from "../../test_case.ts";

const ABC = { // FIPS 180-2
  sha1: "a9993e364706816aba3e25717850c26c9cd0d89d",
  sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
} as const;

for (const start of [startHash, startPlainHash]) {
  test(`${start.name}() hashes what comes in pieces of any kind, and copies`, () => {
    for (const algorithm of ["sha1", "sha256"] as const) {
      const hash = start(algorithm).update("a");
      const copy = hash.copy();
      hash.update("bc");
      assertEquals(hash.digest("hex"), ABC[algorithm]);
      copy.update(new TextEncoder().encode("bc"));
      assertEquals(copy.digest("hex"), ABC[algorithm]);
      const words = Uint32Array.of(1, 2 ** 31);
      const digest = start(algorithm).update(words).update("é").digest(
        "base64",
      );
      const whole = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 128, 0xc3, 0xa9]);
      assertEquals(digest, startHash(algorithm).update(whole).digest("base64"));
    }
  });
}
