/**
 * The types of Axolotl's datasets: what the columns of each are called, and which chat template its
 * texts are written in. Facts from Axolotl 0.18.0.
 */
import { worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import type { Recipe } from "./translation.ts";

/** The meaning of a type. */
export interface Kind {
  /** Our columns to its columns, where a row's keys alone would not be read so. */
  readonly columns?: Readonly<Record<string, string>>;
  /** The chat template that the type itself writes, whatever the recipe's `chat_template` says. */
  readonly template?: string;
  /** What is done differently here. */
  readonly note?: string;
  /** Whether a row is one text, which Axolotl cuts into pieces where it is too long. */
  readonly isText?: boolean;
}

const WORDS = {
  note:
    "Axolotl's own words around instructions are not added; the chat template renders the turns",
};
const AS_TURNS = { instruction: "prompt" }; // the texts become turns

/** Types whose rows Axolotl renders by the run's chat template. */
const PLAIN: Readonly<Record<string, Kind>> = {
  "chat_template": {},
  "chat_template.default": {},
  "chat_template.argilla": {},
  "chat_template.argilla_chat": {},
  "chat_template.load": {},
  "bradley_terry.chat_template": {},
  "passthrough": {},
  "passthrough.default": {},
  "sharegpt": {},
  "completion": { isText: true },
  "pretrain": { isText: true },
};

/** Types whose words around the texts become turns here. */
const WORDED: Readonly<Record<string, Kind>> = {
  "alpaca": WORDS,
  "alpaca_instruct.load": WORDS,
  "alpaca_chat.load": WORDS,
  "alpaca_chat.load_concise": WORDS,
  "alpaca_chat.load_no_prompt": WORDS,
  "alpaca_chat.load_qa": WORDS,
  "alpaca_chat.load_camel_ai": {
    ...WORDS,
    columns: { instruction: "message_1", output: "message_2" },
  },
  "alpaca_w_system.load": WORDS,
  "alpaca_w_system.load_instruct": WORDS,
  "alpaca_w_system.load_chat": WORDS,
  "alpaca_w_system.load_open_orca": {
    ...WORDS,
    columns: { system: "system_prompt" },
  },
  "gpteacher": WORDS,
  "oasst": {
    ...WORDS,
    columns: { instruction: "INSTRUCTION", output: "RESPONSE" },
  },
  "summarizetldr": {
    ...WORDS,
    columns: { instruction: "article", output: "summary" },
  },
};

/** Types that write a chat template themselves: `chatml.intel`, `llama3.ultra`. */
const FAMILIES = ["chatml", "llama3"];
const MEMBERS: Readonly<Record<string, Kind>> = {
  default: {},
  argilla: {},
  argilla_chat: {},
  icr: {},
  intel: {},
  ultra: {},
  prompt_pairs: { columns: AS_TURNS },
};

const NECTAR: Kind = {
  template: "zephyr",
  note:
    "the answer of the best rank is chosen; Axolotl takes the one of the last rank",
};

/** The meaning of a type by its name; undefined if it is not served. */
function namedKind(name: string): Kind | undefined {
  const [family = "", member = "default"] = name.split(".");
  if (FAMILIES.includes(family) && Object.hasOwn(MEMBERS, member)) {
    return { ...MEMBERS[member], template: family };
  }
  if (name === "bradley_terry.llama3") return { template: "llama3" };
  if (name === "zephyr.nectar") return NECTAR;
  const [plain = ""] = name.split(":");
  const known = { ...PLAIN, ...WORDED };
  if (Object.hasOwn(known, plain)) return known[plain];
  return plain.startsWith("sharegpt.") ? {} : undefined;
}

/** Marks of a chat template in a format that a recipe writes itself. */
const MARKS: readonly (readonly [mark: RegExp, template: string])[] = [
  [/<\|im_start\|>/, "chatml"],
  [/<\|start_header_id\|>/, "llama3"],
  [/<start_of_turn>/, "gemma"],
  [/\[INST\]/, "mistral"],
  [/<\|(user|assistant)\|>/, "zephyr"],
];

const FORMATS = ["prompt_format", "format", "no_input_format", "system_format"];
const ANSWERS = ["chosen_format", "rejected_format", "completion_format"];

/** The keys of a user's own type that hold words which the rows would be trained with. */
export function ownWords(type: Recipe): string[] {
  const asked = FORMATS.filter((key) => {
    const text = worded(type[key] ?? "").trim();
    return text !== "" && !/^\{(prompt|system)\}$/.test(text);
  });
  const answered = ANSWERS.filter((key) =>
    !/^(\{\w+\})?$/.test(worded(type[key] ?? "").trim())
  );
  return [...asked, ...answered];
}

/** The meaning of a recipe's own type; undefined if its words are of no template. */
function ownKind(type: Recipe): Kind | undefined {
  const words = ownWords(type);
  const found = MARKS.find(([mark]) =>
    FORMATS.some((key) => mark.test(worded(type[key] ?? "")))
  );
  if (found === undefined) return words.length === 0 ? {} : undefined;
  return {
    template: found[1],
    columns: AS_TURNS,
    note: `its formats are taken to be those of the template "${found[1]}"`,
  };
}

/** The meaning of a dataset's type; undefined if it is not served. */
export function kindOf(type: unknown): Kind | undefined {
  if (type === undefined || type === null) return {};
  return isRecord(type) ? ownKind(type) : namedKind(worded(type));
}

/** The names that `kindOf()` knows, for people. */
export const knownTypes = [
  "chat_template",
  "chatml.*",
  "llama3.*",
  "alpaca",
  "completion",
  "sharegpt",
  "gpteacher",
  "oasst",
  "summarizetldr",
  "bradley_terry.*",
].join(", ");
