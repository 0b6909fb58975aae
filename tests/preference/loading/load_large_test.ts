/** Loads that do not hold their rows, mix sources and drop duplicates. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  loadDemonstrations,
  loadFeedback,
} from "../../../src/preference/loading/load.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { all, common, encoder, jsonLines, pairs } from "./load_scene.ts";
import { test } from "../../test_case.ts";

const disk = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

test({
  ...disk,
  name:
    "loadPairs() gives the same where rows are read again as where they are held",
  async fn() {
    await using folder = await temporaryFolder();
    const a = await folder.write("a.jsonl", jsonLines(pairs(1200, "a")));
    const b = await folder.write("b.jsonl", jsonLines(pairs(300, "b")));
    const sources = [{ path: a, fraction: 0.9 }, { path: b }];
    for (
      const options of [
        { ...common, shuffle: true, maxSamples: 200, heldOut: 30, seed: 3 },
        { ...common, shuffle: true, seed: 3 },
        { ...common, maxSamples: 20 },
      ]
    ) {
      const held = await all(sources, options);
      const again = await all(sources, { ...options, memoryBytes: 1000 });
      assertEquals(again.plain, held.plain);
      assertEquals(again.report, held.report);
    }
  },
});

test({
  ...disk,
  name: "loadPairs() keeps tokens, scores and reference as they were",
  async fn() {
    await using folder = await temporaryFolder();
    const row = {
      prompt: [{ role: "user", content: "q" }],
      chosen: "good",
      rejected: "bad",
      chosen_rating: 4,
      rejected_rating: 1.5,
      ref_chosen_logps: -1.25,
      ref_rejected_logps: -2,
    };
    const path = await folder.write("a.jsonl", jsonLines([row]));
    const { plain: [pair] } = await all([{ path }], common);
    const ids = (text: string) => encoder.tokenizer.encode(text);
    const prompt = ids("<user>q</s><assistant>");
    assertEquals(pair, {
      chosen: {
        ids: [...prompt, ...ids("good</s>")],
        completionStart: prompt.length,
      },
      rejected: {
        ids: [...prompt, ...ids("bad</s>")],
        completionStart: prompt.length,
      },
      line: 1,
      sharedLength: prompt.length,
      scores: { chosen: 4, rejected: 1.5 },
      referenceLogps: { chosen: -1.25, rejected: -2 },
    });
  },
});

test({
  ...disk,
  name: "loadPairs() leaves out duplicates and close scores, and counts them",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write(
      "a.jsonl",
      jsonLines([...pairs(4), ...pairs(2)]), // scores 0, none, 2, none, 0, none
    );
    const { plain, report } = await all([{ path }], {
      ...common,
      dedupe: true,
      minScoreMargin: 1,
    });
    assertEquals(plain.map(({ line }) => line), [2, 3, 4]);
    assertEquals(report.dropped, {
      "scores closer than min_score_margin": {
        count: 2,
        where: [`"${path}" line 1`, `"${path}" line 5`],
      },
      "same tokens as an earlier row": {
        count: 1,
        where: [`"${path}" line 6`],
      },
    });
  },
});

test({
  ...disk,
  name: "loadPairs() makes several pairs of a ranking and none of a tie",
  async fn() {
    await using folder = await temporaryFolder();
    const answers = [1, 2, 3].map((rank) => ({ answer: `a${rank}`, rank }));
    const rows = [
      { prompt: "q", answers },
      { prompt: "q", answers: answers.slice(0, 1) },
    ];
    const path = await folder.write("a.jsonl", jsonLines(rows));
    const { plain, report } = await all([{ path, ranking: "all" }], common);
    assertEquals(plain.map(({ line }) => line), [1, 1, 1]);
    assertEquals(report.dropped["prefers no answer"]?.count, 1);
  },
});

test({
  ...disk,
  name:
    "loadPairs() interleaves sources by probability until the first or the last ends",
  async fn() {
    await using folder = await temporaryFolder();
    const a = await folder.write("a.jsonl", jsonLines(pairs(300, "a")));
    const b = await folder.write("b.jsonl", jsonLines(pairs(60, "b")));
    const mix = async (stopping: "first_exhausted" | "all_exhausted") => {
      const { report } = await all([{ path: a, probability: 0.5 }, {
        path: b,
        probability: 0.5,
      }], { ...common, stopping });
      return report;
    };
    const first = await mix("first_exhausted");
    assertEquals(first.sources[1]?.taken, 60);
    const takenOfA = first.sources[0]!.taken;
    assert(takenOfA > 30 && takenOfA < 100, `${takenOfA} for 60`); // 60 +- 5 deviations of 7.7
    const last = await mix("all_exhausted");
    assertEquals(last.sources.map(({ taken }) => taken), [300, 60]);
    // 300 and about as many of b, again and again
    assert(last.rows > 500, `${last.rows} rows drawn`);
    await assertRejects(
      () => all([{ path: a, probability: 1 }, { path: b }], common),
      RangeError,
      "found probabilities 1, none",
    );
  },
});

test({
  ...disk,
  name:
    "loadPairs() reads each source by its own columns, format and only split",
  async fn() {
    await using folder = await temporaryFolder();
    const path = folder.path;
    await folder.write(
      "train_prefs.jsonl",
      jsonLines(
        pairs(10).map(({ prompt, pos_resp, neg_resp }) => ({
          q: prompt,
          good: pos_resp,
          bad: neg_resp,
        })),
      ),
    );
    await folder.write("train.jsonl", "broken");
    const source = {
      path,
      split: "train_prefs",
      columns: { question: "q", chosen: "good", rejected: "bad" },
    };
    const load = (split: string) =>
      all([source], { ...common, split, heldOut: 0.2, seed: 1 });
    const [train, test] = [await load("train"), await load("test")];
    assertEquals([train.report.kept, test.report.kept], [8, 2]);
    assertEquals(train.report.formats, { "question with two answers": 8 });
  },
});

test({
  ...disk,
  name: "loadFeedback() loads judged answers and both answers of pairs",
  async fn() {
    await using folder = await temporaryFolder();
    const rows = [
      { prompt: "q", completion: "a", label: false },
      { prompt: "q", chosen: "b", rejected: "c" },
    ];
    const path = await folder.write("a.jsonl", jsonLines(rows));
    const { examples, report } = await loadFeedback([{ path }], common);
    assertEquals(
      examples.map(({ sequence: { ids, completionStart }, label, line }) => [
        encoder.tokenizer.decode([...ids]),
        completionStart,
        label,
        line,
      ]),
      [["qa</s>", 1, false, 1], ["qb</s>", 1, true, 2], [
        "qc</s>",
        1,
        false,
        2,
      ]],
    );
    assertEquals(report.labels, { good: 1, bad: 2 });
  },
});

test({
  ...disk,
  name:
    "loadDemonstrations() trains on the last answer, or on every one, also after a cut",
  async fn() {
    await using folder = await temporaryFolder();
    const turns = ["user", "assistant", "user", "assistant"].map((role, i) => ({
      role,
      content: `${i}`.repeat(3),
    }));
    const path = await folder.write(
      "a.jsonl",
      jsonLines([{ messages: turns }]),
    );
    const trained = async (assistantOnly: boolean, maxLength = 100) => {
      const { examples: [one] } = await loadDemonstrations([{ path }], {
        ...common,
        assistantOnly,
        limits: { maxLength, policy: "completion_end" },
      });
      const { ids, completionStart, spans } = one!;
      return (spans ?? [[completionStart, ids.length]]).map(([from, to]) =>
        encoder.tokenizer.decode(ids.slice(from, to))
      );
    };
    assertEquals(await trained(false), ["333</s>"]);
    assertEquals(await trained(true), ["111</s>", "333</s>"]);
    // "<user>000</s><assistant>111</s>" is 6 + 3 + 1 + 11 + 3 + 1 tokens, twice 50
    assertEquals(await trained(true, 48), ["111</s>", "33"]);
  },
});
