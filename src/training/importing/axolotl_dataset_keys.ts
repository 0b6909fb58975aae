/**
 * The keys of an Axolotl dataset that have no option here: those that change nothing, and those
 * with which the recipe does not run, each with the reason. Facts from Axolotl 0.18.0.
 */
import { worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { isOff } from "../../base/read_options.ts";
import { ownWords } from "./axolotl_types.ts";
import {
  ignored,
  type Note,
  nothing,
  only,
  type Recipe,
  refusedKeys,
  type Rules,
  UNKNOWN,
} from "./translation.ts";

const THOUGHTS = "write the thoughts into the answers";
const STEPS = "rewards of single steps are not served";
const ANSWER_END = "the end of each answer is trained, as the template has it";

/** What a turn's own mark is called in rows here. */
const TURN_MARKS = ["train", "loss", "weight"];

/** Keys that axolotl_data.ts and axolotl_template.ts read. */
const READ = [
  "path",
  "type",
  "name",
  "split",
  "data_files",
  "roles",
  "message_field_role",
  "message_field_content",
  "chat_template",
  "chat_template_jinja",
  "shards",
  "text_column",
  "field",
  "field_messages",
  "field_chosen",
  "field_rejected",
  "field_prompt",
  "field_instruction",
  "field_input",
  "field_output",
  "field_system",
  "field_completion",
  "field_label",
  "field_tools",
  "field_chat_template_kwargs",
  "prompt_format",
  "chosen_format",
  "rejected_format",
  "completion_format",
  "format",
  "no_input_format",
  "system_format",
];

const RULES: Rules = {
  ...Object.fromEntries(READ.map((key) => [key, () => ({})])),
  ...ignored("a file's ending tells what it is", ["ds_type"]),
  ...ignored("code from a hub is never run", ["trust_remote_code"]),
  ...ignored("rows are read one after the other", ["preprocess_shards"]),
  ...ignored("give it to the download task", ["revision"]),
  ...ignored("Axolotl does not read it", ["field_human", "field_model"]),
  ...ignored("Axolotl does not read it; write split", ["train_on_split"]),
  ...ignored("the chat template renders the turns", ["conversation"]),
  ...refusedKeys(THOUGHTS, [
    "field_thinking",
    "template_thinking_key",
    "split_thinking",
  ]),
  ...refusedKeys(STEPS, ["step_separator", "train_on_last_step_only"]),
  ...refusedKeys("learning from another model is not served", [
    "logprobs_field",
    "temperature",
  ]),
  ...refusedKeys("code is not run; convert the rows", [
    "input_transform",
    "input_format",
  ]),
  ...refusedKeys("leave the system turns out of the file", [
    "drop_system_message",
  ]),
  ...refusedKeys("give it as default_system_message", ["system_prompt"]),
  ...refusedKeys("parts of a turn cannot be left out of the loss", [
    "message_field_training_detail",
  ]),
  ...refusedKeys("rows cannot be left out by number; write split", ["skip"]),
  max_completion_length: only(
    [null],
    "see sequence_len and excess_length_strategy",
  ),
  shards_idx: only([null, 0], "write split, such as train[10%:20%]"),
  roles_to_train: only(
    [null, ["assistant"], ["gpt"], ["gpt", "assistant"], ["assistant", "gpt"]],
    "only the assistant's turns are trained",
  ),
  train_on_eos: only([null, "turn"], ANSWER_END),
  train_on_eot: only([null, "turn"], ANSWER_END),
  message_field_training: (value) =>
    isOff(value)
      ? {}
      : TURN_MARKS.includes(worded(value))
      ? { note: "answers that it marks as false are not trained" }
      : {
        refusal: `rename the mark in the rows to ${TURN_MARKS.join(" or ")}`,
      },
  message_property_mappings: (value) => {
    const other = Object.entries(isRecord(value) ? value : {})
      .filter(([key, its]) =>
        key !== "role" && key !== "content" && key !== its
      )
      .map(([key]) => key);
    return other.length === 0
      ? {}
      : { refusal: `${other.join(", ")} must have that name in the rows` };
  },
};

/** What is said of the keys of a dataset, its own type's keys among them. */
export function datasetKeys(
  given: Recipe,
  place: string,
): { notes: Note[]; refusals: Note[] } {
  const notes: Note[] = [];
  const refusals: Note[] = [];
  const own = isRecord(given.type) ? { ...given, ...given.type } : given;
  for (const [name, value] of Object.entries(own)) {
    if (value === null || value === undefined) continue;
    const key = isRecord(given.type) && name in given.type
      ? `${place}.type.${name}`
      : `${place}.${name}`;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : nothing(UNKNOWN);
    const said = typeof rule === "function" ? rule(value, given) : {};
    if (said.note !== undefined) notes.push({ key, reason: said.note });
    if (said.refusal !== undefined) {
      refusals.push({ key, reason: said.refusal });
    }
  }
  return { notes, refusals };
}

/** The refusals of a type whose own words are of no chat template that is known. */
export function wordsRefused(type: Recipe, place: string): Note[] {
  return ownWords(type).map((key) => ({
    key: `${place}.type.${key}`,
    reason:
      "its words are of no template that is known here; say type chat_template and give the words as a Jinja text in chat_template_jinja",
  }));
}
