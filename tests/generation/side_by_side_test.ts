/**
 * Base and tuned model: one copy of the weights, two voices; conversations and files of prompts.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import {
  answer,
  answerAll,
  answerEach,
  createSpeaker,
  promptTokens,
} from "../../src/generation/answer.ts";
import type {
  AnswerOptions,
  Manner,
  Speaker,
} from "../../src/generation/answer.ts";
import {
  askTogether,
  startConversation,
} from "../../src/generation/conversation.ts";
import { answerRows, readQuestion } from "../../src/generation/prompt_rows.ts";
import { GREEDY } from "../../src/generation/sampler.ts";
import { mergeAdapter } from "../../src/model/saving/merge.ts";
import { openSideBySide } from "../../src/model/opening/open_model.ts";
import {
  openEncoder,
  openTunedEncoder,
} from "../../src/preference/tokens/open_encoder.ts";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { modelTest } from "../model/model_test_case.ts";
import { fixturePath } from "../fixture_path.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";

const lora = fixturePath("peft/lora");

const GREEDILY: Omit<AnswerOptions, "onText"> = {
  sampling: GREEDY,
  seed: 0,
  maxNewTokens: 8,
};
const DRAWN = { ...GREEDILY, sampling: { ...GREEDY, temperature: 1 } };

async function openSpeakers(
  device: Device,
  base: string,
  tuned: string | null,
): Promise<Speaker[]> {
  const opened = await openSideBySide(device, { base, tuned });
  const { encoder } = await openEncoder({ model_name_or_path: base });
  const speakers = [
    createSpeaker({
      ...opened.base,
      name: "base",
      encoder,
      files: opened.base.folder,
    }),
  ];
  if (opened.tuned) {
    const own = await openTunedEncoder(opened.tuned.tuned, {
      base,
      chat_template: null,
    });
    const { folder: files } = opened.tuned;
    speakers.push(
      createSpeaker({
        ...opened.tuned,
        name: "tuned",
        encoder: own.encoder,
        files,
      }),
    );
  }
  return speakers;
}

const user = (content: string) => [{ role: "user", content }];

await modelTest(
  "openSideBySide() shares the base's memory with an adapter, not with full weights",
  "models/qwen2",
  async (device, base) => {
    const [plain, adapted] = await openSpeakers(device, base, lora);
    assertEquals(plain!.model, adapted!.model);
    assertEquals([plain!.adapters, adapted!.adapters], [false, true]);
    await using folder = await temporaryFolder();
    const output_dir = folder.file("merged");
    await mergeAdapter(device, {
      model_name_or_path: base,
      adapter_name_or_path: lora,
      output_dir,
      overwrite_output_dir: false,
    });
    const [alone, full] = await openSpeakers(device, base, output_dir);
    assert(alone!.model !== full!.model);
    const ask = (speaker: Speaker | undefined) =>
      answer(speaker!, user("Hi there"), GREEDILY);
    const [off, on] = [await ask(plain), await ask(adapted)];
    assert(off !== on, "the adapter changes no answer");
    assertEquals([await ask(alone), await ask(full)], [off, on]);
  },
  { read: [lora, TEMPORARY], write: [TEMPORARY] },
);

await modelTest(
  "createSpeaker() stops at every end token of the folder and the template",
  "models/qwen2",
  async (device, base) => {
    const [speaker] = await openSpeakers(device, base, null);
    assertEquals([...speaker!.stopIds].sort(), [597, 599]);
  },
);

await modelTest(
  "answer() is as long as the model's files say, unless the caller says it",
  "models/qwen2",
  async (device, base) => {
    const [speaker] = await openSpeakers(device, base, null);
    const prompt = promptTokens(speaker!, user("Hi")).length;
    const tokens = async (manner: Manner, maxNewTokens: number | null) => {
      let count = 0;
      const processors = [(logits: Float32Array) => {
        count++;
        for (const id of speaker!.stopIds) logits[id] = -Infinity;
      }];
      const processing = { processors, filters: [] };
      await answer(
        { ...speaker!, manner: { ...manner, processing } },
        user("Hi"),
        { ...GREEDILY, maxNewTokens },
      );
      return count;
    };
    assertEquals(await tokens({ usualNewTokens: 3 }, null), 3);
    assertEquals(await tokens({ usualNewTokens: 3 }, 5), 5);
    assertEquals(await tokens({ maxLength: prompt + 4 }, null), 4);
    assertEquals(await tokens({ maxLength: prompt + 4 }, 6), 6);
    await assertRejects(
      () => tokens({ maxLength: prompt }, null),
      RangeError,
      `the prompt has ${prompt} tokens, and max_length of generation_config.json is ${prompt} for prompt and answer; set max_new_tokens`,
    );
  },
);

await modelTest(
  "answer() streams the text that it returns, and leaves special tokens out",
  "models/qwen2",
  async (device, base) => {
    const [speaker] = await openSpeakers(device, base, null);
    const pieces: string[] = [];
    const whole = await answer(speaker!, user("Hi"), {
      ...DRAWN,
      maxNewTokens: 40,
      onText: (text) => pieces.push(text),
    });
    assertEquals(pieces.join(""), whole);
    assert(pieces.length > 1 && pieces.every((piece) => piece !== ""));
    assert(!/<\|im_/.test(whole), whole);
    const { template: _, ...plain } = speaker!;
    await assertRejects(
      () => answer(plain, user("Hi"), GREEDILY),
      RangeError,
      "the model has no chat template",
    );
    assert(await answer(plain, "Hi", GREEDILY) !== "");
  },
);

await modelTest(
  "answer() without a limit fills the positions that are left, at most",
  "models/qwen2",
  async (device, base) => {
    const [speaker] = await openSpeakers(device, base, null);
    const { config } = speaker!.model;
    const long = "a ".repeat(config.max_position_embeddings);
    await assertRejects(
      () => answer(speaker!, long, { ...GREEDILY, maxNewTokens: null }),
      RangeError,
      "max_position_embeddings",
    );
  },
);

await modelTest(
  "answerAll() gives each question the room that it has alone",
  "models/qwen2",
  async (device, base) => {
    const [{ template: _, ...speaker }] = await openSpeakers(
      ...[device, base, null] as const,
    ) as [Speaker];
    const { max_position_embeddings: room } = speaker.model.config;
    const long = { prompt: "a".repeat(room - 1), seed: 1 };
    const left = room - promptTokens(speaker, long.prompt).length;
    const short = { prompt: "a", seed: 2 };
    const options = { ...DRAWN, maxNewTokens: null };
    const [, together] = await answerAll(speaker, [long, short], options);
    assertEquals(together, await answer(speaker, "a", { ...options, seed: 2 }));
    assert(speaker.tokenizer.encode(together!).length > left);
  },
);

await modelTest(
  "startConversation() shows each model its own earlier answers until clear()",
  "models/qwen2",
  async (device, base) => {
    const [speaker] = await openSpeakers(device, base, null);
    const talk = startConversation(speaker!, "be brief");
    const first = await talk.ask("one", DRAWN);
    const system = { role: "system", content: "be brief" };
    const turns = [
      system,
      ...user("one"),
      { role: "assistant", content: first },
    ];
    assertEquals([...talk.turns], turns);
    const second = await talk.ask("two", DRAWN);
    assertEquals(
      second,
      await answer(speaker!, [...turns, ...user("two")], DRAWN),
    );
    await assertRejects(
      () => talk.ask("three", { ...DRAWN, maxNewTokens: 100_000 }),
      RangeError,
    );
    assertEquals(talk.turns.length, 5);
    talk.clear();
    assertEquals([...talk.turns], [system]);
    assertEquals(await talk.ask("one", DRAWN), first);
  },
);

await modelTest(
  "answerRows() adds each model's answer to the line, drawn by the line's seed",
  "models/qwen2",
  async (device, base) => {
    const speakers = await openSpeakers(device, base, lora);
    const rows = [
      { line: 1, value: { prompt: "Hi", id: 7 } },
      { line: 2, value: { prompt: "Hi", base: "old" } },
      { line: 4, value: { messages: user("Hi") } },
    ];
    const run = (which: Speaker[], lines = rows, batchSize = 2) =>
      Array.fromAsync(
        answerRows(lines.map(readQuestion), which, { ...DRAWN, batchSize }),
      );
    const [first, second, third] = await run(speakers);
    assertEquals(Object.keys(first!), ["prompt", "id", "base", "tuned"]);
    assertEquals(
      first!["base"],
      await answer(speakers[0]!, user("Hi"), { ...DRAWN, seed: 1 }),
    );
    assert(first!["base"] !== second!["base"], "all lines draw alike");
    assertEquals(third!["messages"], user("Hi"));
    for (const size of [1, 3]) {
      assertEquals(await run(speakers, rows.slice(1), size), [second, third]);
    }
    const [only] = await run(speakers.slice(0, 1));
    assertEquals(only, { prompt: "Hi", id: 7, base: first!["base"] });
    const { template: _, ...plain } = speakers[0]!;
    await assertRejects(() => run([plain]), RangeError, "(line 4)");
  },
  { read: [lora] },
);

await modelTest(
  "answerRows() gives the template the variables of each line",
  "models/qwen2",
  async (device, base) => {
    const [speaker] = await openSpeakers(device, base, null);
    const template = createChatTemplate("{{ messages[0].content }}{{ word }}");
    const answered = async (prompt: string, word?: string) => {
      const value = { prompt, chat_template_kwargs: word && { word } };
      const questions = [readQuestion({ line: 1, value })];
      const rows = answerRows(questions, [{ ...speaker!, template }], {
        ...GREEDILY,
        batchSize: 1,
      });
      return (await Array.fromAsync(rows))[0]!["base"];
    };
    const plain = await answered("The sky is");
    assertEquals(await answered("The", " sky is"), plain);
    assert(await answered("The") !== plain);
  },
);

await modelTest(
  "answerEach() gives base and adapter in one pass what each answers alone",
  "models/qwen2",
  async (device, base) => {
    const speakers = await openSpeakers(device, base, lora);
    const ended: string[] = [];
    const asked = speakers.flatMap((speaker) =>
      ["Hi there", "Who?"].map((text) => ({
        speaker,
        prompt: user(text),
        seed: 3,
        onEnd: () => ended.push(speaker.name),
      }))
    );
    for (const options of [GREEDILY, DRAWN]) {
      const together = await answerEach(asked, options);
      for (const [i, { speaker, prompt }] of asked.entries()) {
        const alone = await answer(speaker, prompt, { ...options, seed: 3 });
        assertEquals(together[i], alone);
      }
      assert(together[0] !== together[2], "the adapter changes no answer");
    }
    assertEquals(
      ended.sort().join(),
      "base,base,base,base,tuned,tuned,tuned,tuned",
    );
  },
  { read: [lora], kinds: ["cpu", "gpu"] },
);

await modelTest(
  "askTogether() adds each model's own answer to its turns, and nothing if it fails",
  "models/qwen2",
  async (device, base) => {
    const speakers = await openSpeakers(device, base, lora);
    const talks = speakers.map((speaker) => startConversation(speaker));
    const answers = await askTogether(talks, "Hi there", GREEDILY);
    const texts = ["", ""];
    await askTogether(talks, "More", {
      ...GREEDILY,
      onText: (i, text) => texts[i] += text,
    });
    for (const [i, { turns }] of talks.entries()) {
      assertEquals(
        turns.map(({ content }) => content),
        ["Hi there", answers[i]!, "More", texts[i]!],
      );
    }
    await assertRejects(
      () => askTogether(talks, "x", { ...GREEDILY, maxNewTokens: 100_000 }),
      RangeError,
    );
    assertEquals(talks.map(({ turns }) => turns.length), [4, 4]);
  },
  { read: [lora] },
);
