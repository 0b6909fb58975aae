/** The encoders that the reference's rows were tokenized with. */
import { join } from "@std/path";
import type { Encoder } from "../../../src/preference/tokens/tokenize.ts";
import { createChatTemplate } from "../../../src/text/chat_template.ts";
import { createTokenizer } from "../../../src/text/tokenizer.ts";

/**
 * Tokenizer and template of `tokenizer` (ChatML, no BOS) or `tokenizer_bos` in a reference folder.
 */
export function referenceEncoder(root: string, name = "tokenizer"): Encoder {
  const read = (file: string) =>
    JSON.parse(Deno.readTextFileSync(join(root, name, file)));
  const config = read("tokenizer_config.json");
  const tokenizer = createTokenizer({
    tokenizer: read("tokenizer.json"),
    config,
  });
  const template = createChatTemplate(config.chat_template, {
    specialTokens: tokenizer.specialTokens,
  });
  return { tokenizer, template };
}
