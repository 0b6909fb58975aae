import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { openEncoder } from "../../../src/preference/tokens/open_encoder.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { CHARACTER_CHAT, characterFiles } from "./character_encoder.ts";
import { test } from "../../test_case.ts";

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
