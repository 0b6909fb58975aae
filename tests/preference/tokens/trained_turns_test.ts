/**
 * Which turns of a conversation are trained: by the template's marks, and by what the data says of
 * a turn.
 */
import { assertEquals } from "@std/assert";
import { JsonFloat } from "../../../src/base/json_float.ts";
import { demonstrationFault } from "../../../src/preference/formats/check.ts";
import { loadDemonstrations } from "../../../src/preference/loading/load.ts";
import { tokenizeDemonstration } from "../../../src/preference/tokens/tokenize.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { common, jsonLines } from "../loading/load_scene.ts";
import { characterEncoder } from "./character_encoder.ts";
import { test } from "../../test_case.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;

test({
  ...guards,
  name:
    "tokenizeDemonstration() trains what the template marks by {% generation %}",
  permissions: "none",
  fn() {
    const encoder = characterEncoder(
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}</s>{% endfor %}" +
        "{% if add_generation_prompt %}<assistant>{% endif %}",
    );
    const turns = ["a", "bc", "d", "ef"].map((content, i) => ({
      role: i % 2 === 0 ? "user" : "assistant",
      content,
    }));
    const { tokens: { ids, spans } } = tokenizeDemonstration(
      { prompt: turns.slice(0, 3), completion: turns.slice(3), line: 1 },
      encoder,
      { assistantOnly: true },
    );
    assertEquals(
      spans?.map(([from, to]) => encoder.tokenizer.decode(ids.slice(from, to))),
      ["bc", "ef"], // without the marks: up to where the template closes the turn, "bc</s>"
    );
  },
});

test({
  ...guards,
  name:
    "tokenizeDemonstration() leaves turns untrained that the data excludes by any of four marks",
  permissions: "none",
  fn() {
    const encoder = characterEncoder();
    const user = { role: "user", content: "q" };
    const answer = (content: string, more = {}) => ({
      role: "assistant",
      content,
      ...more,
    });
    const { tokens: { ids, spans } } = tokenizeDemonstration(
      {
        prompt: [
          user,
          answer("a", { weight: 0 }),
          user,
          answer("b"),
          user,
          answer("c", { train: false }),
          user,
          answer("c", { loss: false, loss_weight: 1 }),
          user,
          answer("c", { loss_weight: new JsonFloat(0) }),
          user,
        ],
        completion: [answer("d", { weight: 1 })],
        line: 1,
      },
      encoder,
      { assistantOnly: true },
    );
    assertEquals(
      spans?.map(([from, to]) => encoder.tokenizer.decode(ids.slice(from, to))),
      ["b</s>", "d</s>"],
    );
  },
});

test({
  ...guards,
  name: "demonstrationFault() names a weight that is neither 0 nor 1",
  permissions: "none",
  fn() {
    const turn = (mark: object) => ({
      role: "assistant",
      content: "a",
      ...mark,
    });
    const fault = (mark: object) =>
      demonstrationFault({
        prompt: [{ role: "user", content: "q" }],
        completion: [turn(mark)],
        line: 1,
      });
    for (
      const mark of [{}, { weight: 0 }, { loss_weight: 1 }, { loss: true }]
    ) {
      assertEquals(fault(mark), undefined);
    }
    assertEquals(
      fault({ loss_weight: 0.5 }),
      '"loss_weight" of a turn is 0.5, expected 0 or 1: other weights are not served',
    );
  },
});

test({
  ...guards,
  name: "loadDemonstrations() drops rows of which no answer may be learnt",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  async fn() {
    await using folder = await temporaryFolder();
    const user = { role: "user", content: "q" };
    const answer = { role: "assistant", content: "a" };
    const path = await folder.write(
      "a.jsonl",
      jsonLines([
        { messages: [user, answer] },
        { messages: [user, { ...answer, weight: 0 }] },
        { messages: [user, answer, user, { ...answer, weight: 0 }] },
      ]),
    );
    const kept = async (assistantOnly: boolean) => {
      const { examples, report } = await loadDemonstrations([{ path }], {
        ...common,
        assistantOnly,
      });
      return [
        examples.map(({ line }) => line),
        report.dropped["its answer has weight 0"]?.count,
      ];
    };
    assertEquals(await kept(false), [[1], 2]);
    assertEquals(await kept(true), [[1, 3], 1]);
  },
});
