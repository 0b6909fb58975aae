/** Sources that LLaMA-Factory's dataset_info.json describes. */
import { assertEquals, assertRejects } from "@std/assert";
import { readRows } from "../../../src/preference/formats/format.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import { describedDataset } from "../../../src/training/setup/described_dataset.ts";
import { namedSource } from "../../../src/training/setup/run_sources.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY, "data"], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const INFO = JSON.stringify({
  pairs: {
    file_name: "pairs.json",
    ranking: true,
    formatting: "sharegpt",
    columns: { messages: "talk", chosen: "good", rejected: "bad" },
    tags: { role_tag: "who", content_tag: "says", user_tag: "me" },
  },
  calls: {
    file_name: "pairs.json",
    ranking: true,
    formatting: "sharegpt",
    tags: {
      role_tag: "from",
      content_tag: "value",
      user_tag: "human",
      assistant_tag: "gpt",
      observation_tag: "seen",
      function_tag: "call",
      system_tag: "system",
    },
  },
  pictures: { file_name: "pairs.json", images: "images" },
});

test(
  "namedSource() reads a dataset as the dataset_info.json beside it describes it",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await folder.write("dataset_info.json", INFO);
    const path = await folder.write("pairs.json", "[]");
    assertEquals(await namedSource(folder.file("pairs")), {
      path,
      fraction: 1,
      split: undefined,
      probability: undefined,
      ranking: "best_worst",
      format: undefined,
      columns: { conversations: "talk", chosen: "good", rejected: "bad" },
      turns: { role: "who", content: "says", roles: { me: "user" } },
    });
    assertEquals(await namedSource(path), { path });
  },
);

test(
  "a described dataset reads function calls of the speaker that function_tag names",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await folder.write("dataset_info.json", INFO);
    await folder.write("pairs.json", "[]");
    const source = await namedSource(folder.file("calls"));
    const call = { name: "add", arguments: { a: 1 } };
    const row = {
      conversations: [
        { from: "human", value: "1 + 1?" },
        { from: "call", value: JSON.stringify(call) },
        { from: "seen", value: "2" },
      ],
      chosen: { from: "gpt", value: "Two." },
      rejected: { from: "call", value: JSON.stringify(call) },
    };
    const { examples: [pair] } = readRows(row, 1, PREFERENCE_FORMATS, source);
    const calling = {
      role: "assistant",
      content: "",
      tool_calls: [{ type: "function", function: call }],
    };
    assertEquals(pair?.prompt, [
      { role: "user", content: "1 + 1?" },
      calling,
      { role: "tool", content: "2" },
    ]);
    assertEquals(pair?.rejected, [calling]);
  },
);

test(
  "describedDataset() refuses what is not served and passes over unknown names",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await folder.write("dataset_info.json", INFO);
    await assertRejects(
      () => describedDataset(folder.file("pictures")),
      TypeError,
      '"dataset pictures: images": pictures and sounds are not served',
    );
    assertEquals(await describedDataset(folder.file("others")), undefined);
  },
);
