import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import {
  openEncoder,
  openTunedEncoder,
} from "../../../src/preference/tokens/open_encoder.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { CHARACTER_CHAT, characterFiles } from "./character_encoder.ts";
import { listenToNotes } from "../../../src/base/notes.ts";
import { test } from "../../test_case.ts";

/** A folder with a config and a tokenizer of one id per character. */
async function modelFolder() {
  const folder = await temporaryFolder();
  const { tokenizer, config } = characterFiles();
  await folder.write("config.json", '{"model_type":"llama"}');
  await folder.write("tokenizer.json", JSON.stringify(tokenizer));
  await folder.write("tokenizer_config.json", JSON.stringify(config));
  return folder;
}

test({
  name:
    "openEncoder() gives an identity that changes with tokenizer, settings and template",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    await using folder = await temporaryFolder();
    const { tokenizer, config } = characterFiles();
    const write = (name: string, value: unknown) =>
      folder.write(name, JSON.stringify(value));
    await write("config.json", { model_type: "llama" });
    await write("tokenizer.json", tokenizer);
    await write("tokenizer_config.json", config);
    const identity = async (chat_template: string | null = null) =>
      (await openEncoder({ model_name_or_path: folder.path, chat_template }))
        .encoder.identity;
    const first = await identity();
    assert(first !== undefined);
    assertEquals(await identity(), first);
    const chat = await folder.write("chat.jinja", CHARACTER_CHAT);
    assertNotEquals(await identity(chat), first);
    assertEquals(await identity(CHARACTER_CHAT), await identity(chat)); // the text itself
    await write("tokenizer_config.json", { ...config, add_bos_token: true });
    const second = await identity();
    assertNotEquals(second, first);
    await write("tokenizer.json", { ...tokenizer, version: "1.1" });
    assertNotEquals(await identity(), second);
  },
});

test({
  name:
    "openTunedEncoder() takes the adapter's template from wherever its folder has it, else the base's",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  async fn() {
    await using base = await modelFolder();
    await base.write("chat_template.jinja", "base");
    await using adapter = await temporaryFolder();
    const rendered = async (given: string | null = null) => {
      const { encoder } = await openTunedEncoder(
        { kind: "adapter", path: adapter.path },
        { base: base.path, chat_template: given },
      );
      const tools = [{ name: "add" }];
      return [{}, { tools }].map((row) => encoder.template?.render([], row));
    };
    assertEquals(await rendered(), ["base", "base"]);
    const list = [
      { name: "default", template: "adapter" },
      { name: "tool_use", template: "for tools" },
    ];
    await adapter.write(
      "tokenizer_config.json",
      JSON.stringify({ chat_template: list }),
    );
    assertEquals(await rendered(), ["adapter", "for tools"]);
    assertEquals(await rendered("tool_use"), ["for tools", "for tools"]); // by its name
    assertEquals(await rendered("{{ 1 }}"), ["1", "1"]);
    await adapter.write("chat_template.jinja", "file");
    assertEquals(await rendered(), ["file", "file"]);
  },
});

test({
  name:
    "openTunedEncoder() takes the adapter's own tokenizer, and tells it if it differs from the base's",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  async fn() {
    await using base = await temporaryFolder();
    await using adapter = await temporaryFolder();
    await using other = await temporaryFolder();
    const { tokenizer, config } = characterFiles();
    await base.write("config.json", '{"model_type":"llama"}');
    for (const folder of [base, other]) {
      await folder.write("tokenizer.json", JSON.stringify(tokenizer));
      await folder.write("tokenizer_config.json", JSON.stringify(config));
    }
    const opened = async (tokenizer_name_or_path: string | null = null) => {
      const notes: string[] = [];
      using _listening = listenToNotes((note) => notes.push(note));
      const { encoder } = await openEncoder({
        model_name_or_path: base.path,
        tokenizer_name_or_path,
        adapter: adapter.path,
      });
      const { vocabSize } = encoder.tokenizer;
      return { size: vocabSize, notes };
    };
    const { size } = await opened();
    // PEFT's saved folders have the base's tokenizer with the padding of training
    const saved = { ...tokenizer, padding: { length: 4 }, truncation: null };
    await adapter.write("tokenizer.json", JSON.stringify(saved, null, 2));
    assertEquals(await opened(), { size, notes: [] });
    const added_tokens = [...tokenizer["added_tokens"] as object[], {
      id: size,
      content: "<more>",
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    }];
    await adapter.write(
      "tokenizer.json",
      JSON.stringify({ ...tokenizer, added_tokens }),
    );
    const larger = await opened();
    assertEquals(larger.size, size + 1);
    assertEquals(larger.notes, [
      `the adapter "${adapter.path}" has a tokenizer of its own, which differs from its base's: it is used`,
    ]);
    // a tokenizer that is named wins
    assertEquals(await opened(other.path), { size, notes: [] });
  },
});

test({
  name: "openEncoder() tells which variables its chat template does not read",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  async fn() {
    await using folder = await modelFolder();
    const toldBy = async (chat_template: string, options: object) => {
      const told: string[] = [];
      using _notes = listenToNotes((sentence) => told.push(sentence));
      const model_name_or_path = folder.path;
      await openEncoder({ model_name_or_path, chat_template, ...options });
      return told;
    };
    const thinking = { enable_thinking: false };
    const reads = "{{ 'x' if enable_thinking is defined and enable_thinking }}";
    assertEquals(await toldBy(reads, thinking), []);
    assertEquals(await toldBy("{{ 'enable_thinking_not' }}", thinking), [
      'the chat template does not read "enable_thinking": it changes nothing',
    ]);
    const more = { ...thinking, chat_template_kwargs: { date_string: "x" } };
    assertEquals(await toldBy(reads, more), [
      'the chat template does not read "date_string": it changes nothing',
    ]);
    assertEquals(await toldBy("{{ 1 }}", {}), []);
  },
});

test({
  name:
    "openEncoder() ends answers with eos_token where tokenizer or template do, and stops elsewhere",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  async fn() {
    await using folder = await modelFolder();
    const chat = CHARACTER_CHAT.replaceAll("</s>", "!");
    const open = async (eos_token: string | null, chat_template = chat) => {
      const { encoder } = await openEncoder({
        model_name_or_path: folder.path,
        chat_template,
        eos_token,
      });
      return encoder;
    };
    const own = await open(null);
    assertEquals(own.tokenizer.eosToken, "</s>");
    assertEquals((await open("</s>")).identity, own.identity);
    const other = await open("!"); // what the template closes answers with
    assertEquals(other.tokenizer.eosToken, "!");
    assertEquals(other.tokenizer.eosTokenId, other.tokenizer.tokenId("!"));
    assertNotEquals(other.identity, own.identity);
    for (
      const [eos, template, found] of [
        [
          "?",
          chat,
          'the tokenizer\'s end token is "</s>", the chat template\'s "!"',
        ],
        ["!", CHARACTER_CHAT, 'the chat template\'s "</s>"'],
        ["<|im_end|>", chat, "the tokenizer has no such token"],
      ] as const
    ) await assertRejects(() => open(eos, template), RangeError, found);
  },
});
