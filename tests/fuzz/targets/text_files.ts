/** tokenizer.json with what is beside it, and chat templates. */
import { createChatTemplate } from "../../../src/text/chat_template.ts";
import type { Message } from "../../../src/text/message.ts";
import { TEMPLATE_NAMES } from "../../../src/text/template_files.ts";
import { createTokenizer } from "../../../src/text/tokenizer.ts";
import type { Chance } from "../chance.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateObject } from "../mutate_json.ts";
import { mutateText } from "../mutate_text.ts";
import { asLine, projectText } from "../project_files.ts";

type Json = Readonly<Record<string, unknown>>;

const text = (pattern: Json, behavior = "Isolated", invert = false) => ({
  type: "Split",
  pattern,
  behavior,
  invert,
});

/** Parts that published tokenizers have. */
const PARTS: Readonly<Record<string, readonly unknown[]>> = {
  normalizer: [
    null,
    { type: "NFC" },
    { type: "Lowercase" },
    { type: "Prepend", prepend: "▁" },
    { type: "Replace", pattern: { String: " " }, content: "▁" },
    { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Strip" }] },
  ],
  pre_tokenizer: [
    null,
    { type: "ByteLevel", add_prefix_space: true, use_regex: true },
    { type: "Whitespace" },
    { type: "Digits", individual_digits: true },
    { type: "Metaspace", replacement: "▁", prepend_scheme: "first" },
    {
      type: "Sequence",
      pretokenizers: [
        text({ Regex: "\\p{N}{1,3}" }),
        text({ String: " " }, "MergedWithPrevious"),
        { type: "ByteLevel", use_regex: false },
      ],
    },
  ],
  decoder: [
    null,
    { type: "ByteLevel" },
    { type: "Fuse" },
    {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
  ],
  post_processor: [
    null,
    {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, {
        Sequence: { id: "A", type_id: 0 },
      }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } },
    },
  ],
};

/** A small vocabulary: the whole of a large one would hide the rest from the changes. */
function smallTokenizer(chance: Chance): Record<string, unknown> {
  const pieces = [..."<s> </s> <unk> a b c ab abc Ġ Ġa ▁ ▁a 1 2 <0x41> é"
    .split(" ")];
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const model = chance.pick([
    {
      type: "BPE",
      vocab,
      merges: ["a b", "ab c", "Ġ a"],
      unk_token: "<unk>",
    },
    { type: "BPE", vocab, merges: [["a", "b"]], byte_fallback: true },
    {
      type: "WordPiece",
      vocab,
      unk_token: "<unk>",
      continuing_subword_prefix: "##",
    },
    {
      type: "Unigram",
      vocab: pieces.map((piece, i) => [piece, -i]),
      unk_id: 2,
    },
  ]);
  const added = ["<s>", "</s>", "<unk>"].map((content, id) => ({
    id,
    content,
    special: true,
    normalized: false,
    lstrip: false,
    rstrip: id === 1,
    single_word: id === 2,
  }));
  return {
    version: "1.0",
    ...Object.fromEntries(
      Object.entries(PARTS).map(([key, parts]) => [key, chance.pick(parts)]),
    ),
    added_tokens: added,
    model,
  };
}

const CONFIG = {
  bos_token: "<s>",
  eos_token: { content: "</s>", lstrip: false },
  add_bos_token: false,
  clean_up_tokenization_spaces: false,
  added_tokens_decoder: { "0": { content: "<s>", special: true } },
  model_max_length: 1e30,
  tokenizer_class: "PreTrainedTokenizerFast",
};

const SAMPLES = ["abc a  b", "<s>a</s> 12", "éA\n💥 x<unk>", " ".repeat(200)];

/** tokenizer.json, tokenizer_config.json and special_tokens_map.json. */
export function tokenizer(): Promise<DrawInput> {
  const tiny = JSON.parse(projectText("data/tiny/model/tokenizer.json"));
  const { model: _, ...frame } = tiny;
  return Promise.resolve((chance) => {
    const base = chance.oneIn(8)
      ? { ...smallTokenizer(chance), ...frame }
      : smallTokenizer(chance);
    const files = {
      tokenizer: chance.oneIn(8) ? base : mutateObject(chance, base),
      config: chance.oneIn(2) ? CONFIG : mutateObject(chance, CONFIG),
      specialTokensMap: chance.oneIn(2)
        ? undefined
        : mutateObject(chance, { bos_token: "<s>", eos_token: "</s>" }),
    };
    return {
      words: "a changed tokenizer.json",
      run() {
        const made = createTokenizer(files);
        const { vocabSize } = made;
        hold(
          Number.isSafeInteger(vocabSize) && vocabSize >= 0 &&
            vocabSize <= 2 ** 31,
          () => `a vocabulary of ${vocabSize} is accepted`,
        );
        for (const sample of SAMPLES) {
          for (const addSpecialTokens of [false, true]) {
            const ids = made.encode(sample, { addSpecialTokens });
            hold(
              ids.every((id) =>
                Number.isSafeInteger(id) && id >= 0 && id < vocabSize
              ),
              () => `ids of a text are no ids: ${String(ids.slice(0, 8))}`,
            );
            const back = made.decode(ids);
            hold(typeof back === "string", () => "ids become no text");
          }
        }
      },
      show: () => asLine(JSON.stringify(files), 20_000),
    };
  });
}

const JINJA: readonly string[] = [
  ...["{{", "}}", "{%", "%}", "{#", "#}", "-%}", "{%-", "{{-", "|", ".", "["],
  ...["]", "(", ")", "'", '"', "loop.", "loop.index0", "messages", "\\", "~"],
  ...["messages[0]", ".content", "|tojson", "|map(", "is defined", "not ", "1"],
  ...[
    "if ",
    "endif",
    "for x in ",
    "endfor",
    "set ",
    "namespace(",
    "none",
    "-1",
  ],
  ...["*", "+", "==", "//", "%", "**", "in ", "range(3)", "range(10**9)", ","],
  ...[
    ".split('",
    "|join",
    "macro f(x)",
    "endmacro",
    "f(f)",
    "break",
    "continue",
  ],
  ...[
    "raw",
    "endraw",
    "[::-1]",
    "[:",
    "|selectattr('role')",
    "|default(",
    "{}",
  ],
  ...[
    "|first",
    "['__proto__']",
    ".constructor",
    "|list",
    "|string * 1000",
    "[[]",
  ],
  ...["{% for a in range(999) %}", "{% endfor %}", "|replace('', 'a')", "else"],
  ...[
    "generation",
    "endgeneration",
    "strftime_now('%Y')",
    "raise_exception('')",
  ],
  ...[
    "{'a': 1}",
    ".items()",
    "|dictsort",
    "|indent(",
    "|trim",
    "cycler",
    "=",
    ":",
  ],
];

interface Reference {
  readonly templates: readonly { readonly chat_template?: string }[];
}

/** Chat templates. */
export function template(): Promise<DrawInput> {
  const { templates } = JSON.parse(
    projectText("tests/fixtures/reference/chat_templates.json"),
  ) as Reference;
  const all = [
    ...TEMPLATE_NAMES.map((name) => projectText(`templates/${name}.jinja`)),
    ...templates.flatMap(({ chat_template }) => chat_template ?? []),
  ];
  const specialTokens = { bos_token: "<s>", eos_token: "</s>" };
  return Promise.resolve((chance) => {
    const source = mutateText(chance, chance.pick(all), JINJA);
    const spaces = chance.oneIn(20) ? " ".repeat(20_000) : "hi";
    const messages: Message[] = [
      { role: "system", content: "s" },
      { role: "user", content: spaces },
      { role: "assistant", content: "<think>\n a\n</think>\nyo" },
    ];
    return {
      words: "a changed template",
      run() {
        const made = createChatTemplate(source, { specialTokens });
        const whole = made.render(messages);
        hold(typeof whole === "string", () => "the render is no text");
        made.render(messages.slice(0, 2), { addGenerationPrompt: true });
        let last = 0;
        for (const [start, end] of made.generated(messages) ?? []) {
          hold(
            last <= start && start <= end && end <= whole.length,
            () => `marked ${start} to ${end} of ${whole.length}`,
          );
          last = end;
        }
      },
      show: () => asLine(source, 20_000),
    };
  });
}
