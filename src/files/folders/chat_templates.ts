/**
 * Finds the chat templates of a folder, wherever versions of transformers have put them: in files
 * of their own, in tokenizer_config.json, or in chat_template.json. Knows no Jinja.
 */
import { basename, join } from "@std/path";
import { shown } from "../../base/shown.ts";
import {
  isJsonObject,
  type JsonObject,
  readJsonObjectIfThere,
} from "../disk/json_file.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { readTextIfThere } from "../disk/whole_file.ts";
import { disk, NotFound } from "../disk.ts";
import { MODEL_FILE, NAMED_TEMPLATES } from "../file_names.ts";

/** The chat templates of a folder, as Jinja text. */
export interface ChatTemplates {
  /** The template that is used where none is named. */
  readonly chatTemplate?: string;
  /** The templates with other names, by name; `tool_use` serves conversations with tools. */
  readonly namedTemplates?: Readonly<Record<string, string>>;
}

/** Reads the templates of a folder, with its tokenizer_config.json. */
export async function readTemplates(path: string): Promise<ChatTemplates> {
  const config = join(path, MODEL_FILE.tokenizerConfig);
  return await readChatTemplates(path, await readJsonObjectIfThere(config));
}

/** Writes templates as files in place of those that a folder has; none: leaves them. */
export async function replaceTemplates(
  folder: string,
  { chatTemplate, namedTemplates = {} }: ChatTemplates,
): Promise<void> {
  const named = Object.entries(namedTemplates);
  if (chatTemplate === undefined && named.length === 0) return;
  const own = join(folder, NAMED_TEMPLATES);
  for (const name of await templateNames(own)) {
    await disk().remove(join(own, name));
  }
  if (chatTemplate !== undefined) {
    await writeFileAtomic(join(folder, MODEL_FILE.chatTemplate), chatTemplate);
  }
  for (const [name, text] of named) {
    await writeFileAtomic(join(own, `${basename(name)}.jinja`), text);
  }
}

/**
 * Reads the templates of a folder. As in transformers, templates in files of their own replace all
 * of tokenizer_config.json; chat_template.json counts where neither has any.
 */
export async function readChatTemplates(
  path: string,
  tokenizerConfig?: JsonObject,
): Promise<ChatTemplates> {
  const places = [
    () => templateFiles(path),
    () => templatesIn(tokenizerConfig, join(path, MODEL_FILE.tokenizerConfig)),
    async () => {
      const file = join(path, MODEL_FILE.chatTemplateJson);
      return templatesIn(await readJsonObjectIfThere(file), file);
    },
  ];
  for (const place of places) {
    const { default: chatTemplate, ...named } = await place();
    const names = Object.keys(named).length;
    if (chatTemplate === undefined && names === 0) continue;
    return {
      ...(chatTemplate !== undefined && { chatTemplate }),
      ...(names > 0 && { namedTemplates: named }),
    };
  }
  return {};
}

async function templateFiles(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const read = async (name: string, file: string) => {
    const text = await readTextIfThere(join(path, file));
    if (text !== undefined) found[name] = text;
  };
  await read("default", MODEL_FILE.chatTemplate);
  for (const file of await templateNames(join(path, NAMED_TEMPLATES))) {
    await read(
      file.replace(/\.jinja$/, ""),
      `${NAMED_TEMPLATES}/${file}`,
    );
  }
  return found;
}

async function templateNames(folder: string): Promise<string[]> {
  try {
    const names = await Array.fromAsync(
      disk().list(folder),
      ({ name }) => name,
    );
    return names.filter((name) => name.endsWith(".jinja")).sort();
  } catch (error) {
    if (error instanceof NotFound) return [];
    throw error;
  }
}

/**
 * The key `chat_template`: a text, a list of `{ name, template }`, or texts by name.
 *
 * @throws {TypeError} for anything else: a run would go on with another template, or with none
 */
function templatesIn(
  json: JsonObject | undefined,
  file: string,
): Record<string, string> {
  const found = json?.["chat_template"] ?? undefined;
  if (found === undefined) return {};
  if (typeof found === "string") return { default: found };
  const entries: readonly (readonly unknown[])[] = Array.isArray(found)
    ? found.map((one) =>
      isJsonObject(one) ? [one["name"], one["template"]] : []
    )
    : isJsonObject(found)
    ? Object.entries(found)
    : [[]];
  const isText = (entry: readonly unknown[]): entry is [string, string] =>
    entry.length === 2 && entry.every((part) => typeof part === "string");
  if (entries.every(isText)) return Object.fromEntries(entries);
  throw new TypeError(
    `Cannot read "${file}": "chat_template" is ${
      shown(found)
    }, expected a text, or texts with names`,
  );
}
