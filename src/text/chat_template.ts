/**
 * Renders a conversation by a model's chat template. The text equals that of
 * `apply_chat_template(tokenize=False)` in transformers. This file adds no token of its own: BOS,
 * EOS and the ends of turns come from the template alone.
 */
import { Environment } from "@huggingface/jinja";
import { charactersOf } from "../base/characters.ts";
import { isTooDeep, TOO_DEEP } from "../base/too_deep.ts";
import type { Message } from "./message.ts";
import { PythonInterpreter } from "./jinja/interpreter.ts";
import { parseTemplate, type Program } from "./jinja/nodes.ts";
import { templateGlobals } from "./jinja/globals.ts";
import { wrapData } from "./jinja/values.ts";
import { limitsFor, OverLimit, withinLimits } from "./jinja/budget.ts";

export { OverLimit } from "./jinja/budget.ts";

/** How one conversation is to be rendered. */
export interface RenderOptions {
  /** Ends with the opening of the assistant's turn, so that an answer may follow. */
  readonly addGenerationPrompt?: boolean;
  /**
   * Leaves the last message open, so that it may be continued. It excludes `addGenerationPrompt`.
   */
  readonly continueFinalMessage?: boolean;
  /** JSON schemas of the tools the model may call. */
  readonly tools?: readonly unknown[] | undefined;
  /** Further variables, such as `enable_thinking` or `date_string`. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** A template that is parsed and ready. */
export interface ChatTemplate {
  /** The Jinja text that the template was made from. */
  readonly source: string;
  /** The Jinja text for conversations with tools, if it is another one. */
  readonly toolSource?: string;
  /**
   * Renders a conversation.
   *
   * @throws {RangeError} if the template refuses the conversation (`raise_exception`), or the final
   *   message cannot be found again. @throws {TypeError} where Python would fail on a value.
   *   @throws {OverLimit} if the template takes too many steps, too much text or time.
   */
  render(messages: readonly Message[], options?: RenderOptions): string;
  /**
   * Which parts of the text that `render` gives are the assistant's, by the template's own
   * `{% generation %}` marks; undefined if the template has no such marks.
   *
   * @returns places in UTF-16 units, in order; each end is exclusive
   * @throws as `render` does
   */
  generated(
    messages: readonly Message[],
    options?: RenderOptions,
  ): (readonly [start: number, end: number])[] | undefined;
}

/** What a template needs beside its text. */
export interface ChatTemplateOptions {
  /** The file or model that error messages name. */
  readonly name?: string;
  /** Texts of the special tokens by their names: `bos_token`, `eos_token`, `pad_token`, ... */
  readonly specialTokens?: Readonly<Record<string, string>>;
  /** The Jinja text for conversations with tools, named "tool_use"; default: `source`. */
  readonly toolSource?: string | undefined;
  /** The clock that the template's `strftime_now` reads; default: the system's. */
  readonly now?: () => Date;
}

/** Added to an open final message and cut off again after rendering; no real text contains it. */
const OPEN_END = "[the final message is continued here] ";

const GENERATION = /\{%([-+]?)\s*generation\s*([-+]?)%\}/g;
const END_GENERATION = /\{%([-+]?)\s*endgeneration\s*([-+]?)%\}/g;

/** `{% generation %}` marks the assistant's text for masks; it prints nothing. */
function withoutGenerationMarks(source: string): string {
  return source.replace(GENERATION, "{%$1 if true $2%}")
    .replace(END_GENERATION, "{%$1 endif $2%}");
}

/**
 * Printed at both ends of the assistant's text. These are Unicode noncharacters, which no text has.
 */
const [OPEN, CLOSE] = ["\ufdd0", "\ufdd1"];

/** Makes the marks print `OPEN` and `CLOSE`; they strip the white space around them as before. */
function withPrintedMarks(source: string): string {
  const print = (mark: string) => `if true %}{{ '${mark}' }}{% endif`;
  return source
    .replace(GENERATION, `{%$1 ${print(OPEN)} %}{% if true $2%}`)
    .replace(END_GENERATION, `{%$1 endif %}{% ${print(CLOSE)} $2%}`);
}

function markedSpans(text: string): (readonly [number, number])[] {
  const spans: (readonly [number, number])[] = [];
  let [marks, start] = [0, 0];
  for (const { 0: mark, index } of text.matchAll(/[\ufdd0\ufdd1]/g)) {
    const place = index - marks++;
    if (mark === OPEN) start = place;
    else spans.push([start, place]);
  }
  return spans;
}

function openEnded(messages: readonly Message[]): Message[] {
  const last = messages.at(-1);
  if (last === undefined || typeof last.content !== "string") {
    throw new RangeError("there is no final message with text to continue");
  }
  return [...messages.slice(0, -1), {
    ...last,
    content: last.content + OPEN_END,
  }];
}

function cutOpenEnd(text: string): string {
  const at = text.lastIndexOf(OPEN_END.trim());
  if (at < 0) {
    throw new RangeError(
      "the final message cannot be continued: the template does not print it as it is",
    );
  }
  // A template that trims messages also trimmed the space after the mark.
  const kept = text.startsWith(OPEN_END, at);
  return kept ? text.slice(0, at) : text.slice(0, at).trimEnd();
}

function errorLike(error: unknown, message: string): Error {
  if (error instanceof OverLimit) {
    return new OverLimit(message, { cause: error });
  }
  if (error instanceof TypeError) {
    return new TypeError(message, { cause: error });
  }
  if (error instanceof SyntaxError) {
    return new SyntaxError(message, { cause: error });
  }
  return new RangeError(message, { cause: error });
}

function messageOf(error: unknown): string {
  if (isTooDeep(error)) return TOO_DEEP;
  const words = error instanceof Error ? error.message : String(error);
  // the engine prints all of a statement that it cannot read
  return words.length > MOST_WORDS
    ? `${words.slice(0, MOST_WORDS)}... (${words.length} characters)`
    : words;
}

/** Characters of an error's words that a user is shown. */
const MOST_WORDS = 500;

/** The error of a model that needs a chat template to do `what` and has none. */
export function missingTemplate(what: string): RangeError {
  return new RangeError(
    `Cannot ${what}: the model has no chat template, name one with chat_template (a file, or chatml, llama3, ...)`,
  );
}

/**
 * Parses a chat template from its Jinja text.
 *
 * @throws {SyntaxError} if the text is not Jinja, or needs a statement that the engine does not
 *   have
 */
export function createChatTemplate(
  source: string,
  { name = "chat template", specialTokens = {}, toolSource, now }:
    ChatTemplateOptions = {},
): ChatTemplate {
  const how = { name, specialTokens, now };
  const plain = oneTemplate(source, how);
  if (toolSource === undefined || toolSource === source) return plain;
  const withTools = oneTemplate(toolSource, {
    ...how,
    name: `${name} (tool_use)`,
  });
  // as in transformers, an empty list of tools counts as tools too
  const fitting = (options: RenderOptions = {}) =>
    options.tools == null ? plain : withTools;
  return {
    source,
    toolSource,
    render: (messages, options) => fitting(options).render(messages, options),
    generated: (messages, options) =>
      fitting(options).generated(messages, options),
  };
}

/** The template with variables of its own; those of a conversation win over them. */
export function withVariables(
  template: ChatTemplate,
  variables: Readonly<Record<string, unknown>> | undefined,
): ChatTemplate {
  if (variables === undefined) return template;
  const filled = (options: RenderOptions = {}) => ({
    ...options,
    variables: { ...variables, ...options.variables },
  });
  return {
    ...template,
    render: (messages, options) => template.render(messages, filled(options)),
    generated: (messages, options) =>
      template.generated(messages, filled(options)),
  };
}

function oneTemplate(
  source: string,
  { name, specialTokens, now = () => new Date() }: {
    readonly name: string;
    readonly specialTokens: Readonly<Record<string, string>>;
    readonly now: (() => Date) | undefined;
  },
): ChatTemplate {
  const plain = parseNamed(withoutGenerationMarks(source), name);
  const marked = source.search(GENERATION) < 0
    ? undefined
    : parseNamed(withPrintedMarks(source), name);
  const globals = templateGlobals(now);
  const run = (
    program: Program,
    messages: readonly Message[],
    options: RenderOptions = {},
  ): string => {
    try {
      const scope = new Environment(globals);
      const given = { messages, options, specialTokens };
      return withinLimits(
        limitsFor(charactersOf(given)),
        () => renderProgram(program, scope, given),
      );
    } catch (error) {
      throw errorLike(
        error,
        `Cannot render chat template "${name}": ${messageOf(error)}`,
      );
    }
  };
  return {
    source,
    render: (messages, options) => run(plain, messages, options),
    generated: (messages, options) =>
      marked && markedSpans(run(marked, messages, options)),
  };
}

function parseNamed(text: string, name: string): Program {
  try {
    return parseTemplate(text);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read chat template "${name}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** The text of a conversation by a parsed template, whose variables are set in `scope`. */
function renderProgram(
  program: Program,
  scope: Environment,
  { messages, options, specialTokens }: {
    readonly messages: readonly Message[];
    readonly options: RenderOptions;
    readonly specialTokens: Readonly<Record<string, string>>;
  },
): string {
  const { addGenerationPrompt = false, continueFinalMessage = false } = options;
  if (addGenerationPrompt && continueFinalMessage) {
    throw new RangeError("a final message cannot be continued by a new one");
  }
  const variables = {
    ...specialTokens,
    messages: continueFinalMessage ? openEnded(messages) : messages,
    tools: options.tools ?? null,
    documents: null,
    add_generation_prompt: addGenerationPrompt,
    ...options.variables,
  };
  for (const [key, value] of Object.entries(variables)) {
    scope.setVariable(key, wrapData(value));
  }
  const text = String(new PythonInterpreter(scope).run(program).value);
  return continueFinalMessage ? cutOpenEnd(text) : text;
}
