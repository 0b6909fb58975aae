/** Which chat templates a folder has, wherever versions of transformers have put them. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  type ChatTemplates,
  readTemplates,
  replaceTemplates,
} from "../../../src/files/folders/chat_templates.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const permissions = { read: [TEMPORARY], write: [TEMPORARY] };
const listed = (names: readonly string[]) =>
  JSON.stringify({
    chat_template: names.map((name) => ({ name, template: `list's ${name}` })),
  });

/** Files of a folder, and its templates as transformers 5.18 reads them. */
const FOLDERS: readonly [Record<string, string>, ChatTemplates][] = [
  [{}, {}],
  [{ "tokenizer_config.json": '{"chat_template":"text"}' }, {
    chatTemplate: "text",
  }],
  [{ "tokenizer_config.json": listed(["tool_use", "default"]) }, {
    chatTemplate: "list's default",
    namedTemplates: { tool_use: "list's tool_use" },
  }],
  [{ "tokenizer_config.json": listed(["rag"]) }, {
    namedTemplates: { rag: "list's rag" },
  }],
  [{
    "chat_template.jinja": "file",
    "additional_chat_templates/tool_use.jinja": "file for tools",
    "additional_chat_templates/notes.txt": "no template",
  }, {
    chatTemplate: "file",
    namedTemplates: { tool_use: "file for tools" },
  }],
  // files replace all of the list
  [{
    "chat_template.jinja": "file",
    "tokenizer_config.json": listed(["tool_use"]),
  }, { chatTemplate: "file" }],
  [{ "chat_template.json": '{"chat_template":"json"}' }, {
    chatTemplate: "json",
  }],
  [{ "chat_template.json": '{"chat_template":{"default":"a","rag":"b"}}' }, {
    chatTemplate: "a",
    namedTemplates: { rag: "b" },
  }],
  [{
    "chat_template.json": '{"chat_template":"json"}',
    "tokenizer_config.json": '{"chat_template":"text"}',
  }, { chatTemplate: "text" }],
];

test(
  "readTemplates() finds the templates of every layout, in transformers' order",
  {
    permissions,
  },
  async () => {
    for (const [files, wanted] of FOLDERS) {
      await using folder = await temporaryFolder();
      await Deno.mkdir(folder.file("additional_chat_templates"));
      for (const [name, text] of Object.entries(files)) {
        await folder.write(name, text);
      }
      assertEquals(await readTemplates(folder.path), wanted);
    }
  },
);

test(
  "replaceTemplates() leaves no template of before, and all if it has none itself",
  {
    permissions,
  },
  async () => {
    await using folder = await temporaryFolder();
    const before = { chatTemplate: "a", namedTemplates: { tool_use: "b" } };
    await replaceTemplates(folder.path, before);
    await replaceTemplates(folder.path, {});
    assertEquals(await readTemplates(folder.path), before);
    await replaceTemplates(folder.path, { chatTemplate: "c" });
    assertEquals(await readTemplates(folder.path), { chatTemplate: "c" });
  },
);

test(
  "readTemplates() refuses a template that is no text, and takes null for none",
  { permissions },
  async () => {
    await using folder = await temporaryFolder();
    const read = async (chat_template: unknown) => {
      const text = JSON.stringify({ chat_template });
      await folder.write("tokenizer_config.json", text);
      return await readTemplates(folder.path);
    };
    assertEquals(await read(null), {});
    assertEquals(await read([]), {});
    const wrong = [7, true, [null], [{ template: "a" }], { a: 1 }, [["a"]]];
    for (const found of wrong) {
      await assertRejects(
        () => read(found),
        TypeError,
        'tokenizer_config.json": "chat_template" is ',
      );
    }
  },
);
