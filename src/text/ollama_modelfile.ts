/**
 * Writes a Modelfile for Ollama: the GGUF file's name, how a conversation becomes text (in Go's
 * template language), and the texts that end an answer. If the chat template does more than put
 * text around turns, the Modelfile says so in a comment and has no such template.
 */
import { createChatTemplate } from "./chat_template.ts";
import { createTokenizer } from "./tokenizer.ts";
import { findTurnFormat, type TurnFormat } from "./turn_format.ts";

/** What a Modelfile is made from. */
export interface ModelfileInput {
  /** Name of the GGUF file, which lies beside the Modelfile. */
  readonly from: string;
  /** The model's text files. */
  readonly files: {
    readonly tokenizer?: Readonly<Record<string, unknown>>;
    readonly tokenizerConfig?: Readonly<Record<string, unknown>>;
    readonly specialTokensMap?: Readonly<Record<string, unknown>>;
    readonly chatTemplate?: string;
  };
  /** Whether Ollama itself puts the BOS token before every text. */
  readonly addsBos: boolean;
}

/** The text of a Modelfile. */
export function ollamaModelfile(
  { from, files, addsBos }: ModelfileInput,
): string {
  const { chatTemplate, tokenizer, tokenizerConfig, specialTokensMap } = files;
  const { specialTokens, tokenId } = createTokenizer({
    tokenizer: tokenizer ?? {},
    config: tokenizerConfig,
    specialTokensMap,
  });
  const eos = specialTokens["eos_token"];
  const head = `FROM ./${from}\n`;
  if (chatTemplate === undefined) {
    return `${head}# The model has no chat template: it continues plain text.\nTEMPLATE """{{ .Prompt }}"""\n${
      stops(eos)
    }`;
  }
  const template = createChatTemplate(chatTemplate, { specialTokens });
  const format = findTurnFormat(template, eos);
  const text = format && goTemplate(
    format,
    addsBos ? specialTokens["bos_token"] ?? "" : "",
  );
  if (format === undefined || text === undefined) {
    return `${head}# The model's chat template is not turns with text around them, so that no TEMPLATE was made;\n# the GGUF file has it in Jinja, as tokenizer.chat_template, for runtimes that read it.\n${
      stops(eos)
    }`;
  }
  const end = format.end.trim();
  const isToken = end !== "" && tokenId(end) !== undefined;
  return `${head}TEMPLATE """${text}"""\n${stops(isToken ? end : eos, eos)}`;
}

/** One line for each text that ends an answer. */
function stops(...texts: readonly (string | undefined)[]): string {
  return [...new Set(texts)].filter((text) => text !== undefined)
    .map((text) => `PARAMETER stop ${JSON.stringify(text)}\n`).join("");
}

/**
 * Writes a format in Go's template language; undefined if its text contains marks of that language.
 *
 * @param bos the text that Ollama writes first, which the template must not write again
 */
function goTemplate(format: TurnFormat, bos: string): string | undefined {
  const begin = (text: string) =>
    bos !== "" && text.startsWith(bos) ? text.slice(bos.length) : text;
  const { head, system, user, answer, end } = format;
  const plain = [head, ...system ?? [], user, answer, end];
  if (plain.some((text) => /\{\{|\}\}|"""/.test(text))) return undefined;
  const alone = begin(head);
  const opening = system
    ? `{{ if .System }}${begin(system[0])}{{ .System }}${system[1]}${
      alone && `{{ else }}${alone}`
    }{{ end }}`
    : alone;
  return `${opening}{{ range .Messages }}{{ if eq .Role "user" }}${user}{{ .Content }}${answer}{{ else if eq .Role "assistant" }}{{ .Content }}${end}{{ end }}{{ end }}`;
}
