/**
 * The options that say what a whole run tells the chat template and the model: a system text, and
 * variables of the template such as `enable_thinking`. What a row says itself wins.
 */
import { optional, record } from "../base/composite_option.ts";
import { flag, type Option, text } from "../base/option.ts";

/** Any value of JSON; the words `true` and `false` of a command line are booleans. */
const anyValue: Option<unknown> = {
  help: "Value",
  type: "any value",
  fallback: undefined,
  bare: false,
  read: (value) => {
    const isWord = value === "true" || value === "false";
    return isWord ? value === "true" : value;
  },
};

/** Variables of the chat template. */
export const templateOptions = {
  enable_thinking: optional(
    flag(
      "Variable of that name for the chat template, which hybrid models answer by with or without thinking; null leaves it to the template",
    ),
  ),
  chat_template_kwargs: optional(
    record(
      "Further variables of the chat template, by their names; a row's own chat_template_kwargs win",
      undefined,
      anyValue,
    ),
  ),
};

/** What a run tells the model beside its rows. */
export const chatOptions = {
  system: optional(
    text(
      "Text of a system turn for rows that have none; a prompt of plain text then becomes a user's turn",
    ),
  ),
  ...templateOptions,
};

/** What the options of a run say to its chat template; none of it needs to be given. */
export interface ChatSettings {
  /** Text of the system turn of rows that have none. */
  readonly system?: string | null;
  /** The template's variable of that name. */
  readonly enable_thinking?: boolean | null;
  /** Whether empty blocks of thought before an answer are left out of the loss. */
  readonly ignore_empty_think?: boolean;
  /** Its further variables. */
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null;
}

/** The variables that a run gives the chat template; undefined if it gives none. */
export function variablesOf(
  { enable_thinking = null, chat_template_kwargs = null }: ChatSettings,
): Readonly<Record<string, unknown>> | undefined {
  const thinking = enable_thinking === null ? {} : { enable_thinking };
  const all = { ...chat_template_kwargs, ...thinking };
  return Object.keys(all).length === 0 ? undefined : all;
}
