import { assertEquals } from "@std/assert";
import { missingShards } from "../../src/files/shard_names.ts";
import { test } from "../test_case.ts";

test({
  name: "missingShards() names the parts that are missing, counted from 0 or 1",
  permissions: "none",
  fn() {
    const part = (...names: string[]) => missingShards(names);
    assertEquals(
      part("data/train-00000-of-00002.parquet"),
      '1 of the 2 shards that "data/train-00000-of-00002.parquet" belongs to is missing: 00001',
    );
    assertEquals(
      part(
        "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
      )
        ?.split(" missing: ")[1],
      "00001",
    );
    assertEquals(part("a_1_of_2.jsonl", "a_2_of_2.jsonl"), undefined);
    assertEquals(
      part("data-0-of-1.arrow", "train_3.jsonl", "x.csv"),
      undefined,
    );
    // a second count of the same split is as incomplete as the first
    assertEquals(
      part("t-0-of-2.csv", "t-1-of-2.csv", "t-1-of-4.csv")?.split(":")[1],
      " 0, 2, 3",
    );
    // the same split in two folders is two sets
    assertEquals(part("a/t-0-of-1.csv", "b/t-0-of-1.csv"), undefined);
  },
});
