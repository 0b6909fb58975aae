/** A tokenizer with one id per character, for tests without files. */
import type { Encoder } from "../../../src/preference/tokens/tokenize.ts";
import { createChatTemplate } from "../../../src/text/chat_template.ts";
import { createTokenizer } from "../../../src/text/tokenizer.ts";

/**
 * tokenizer.json and tokenizer_config.json of a tokenizer with one id per character, and an EOS.
 */
export function characterFiles() {
  const alphabet = [
    ..."abcdefghijklmnopqrstuvwxyz0123456789 .,:?!<>|/[]\nABCDEFGHIJKLMNOPQRSTUVWXYZ",
  ];
  const vocab = Object.fromEntries(alphabet.map((c, id) => [c, id]));
  const eos = { content: "</s>", special: true, normalized: false };
  return {
    tokenizer: {
      model: { type: "BPE", vocab, merges: [] },
      decoder: { type: "Fuse" },
      added_tokens: [{ id: alphabet.length, ...eos }],
    },
    config: { eos_token: eos.content },
  };
}

/** An encoder for tests without files; its template is `<role>text</s>` unless another is given. */
export function characterEncoder(template?: string): Encoder {
  const tokenizer = createTokenizer(characterFiles());
  return {
    tokenizer,
    template: createChatTemplate(template ?? CHARACTER_CHAT),
  };
}

/** `<user>Hi</s><assistant>` */
export const CHARACTER_CHAT =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}" +
  "{% if add_generation_prompt %}<assistant>{% endif %}";
