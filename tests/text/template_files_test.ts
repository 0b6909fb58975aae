import { assert, assertEquals, assertThrows } from "@std/assert";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import type { Message } from "../../src/text/message.ts";
import { TEMPLATE_NAMES, templateFile } from "../../src/text/template_files.ts";
import { compared, referencePath } from "../reference_dir.ts";

const reference = referencePath("chat_templates.json");
const folder = new URL("../../templates/", import.meta.url);
const guards = { sanitizeOps: true, sanitizeResources: true } as const;

/** Ours, and the original whose renders it must equal. */
const ORIGINALS: Readonly<Record<string, string>> = {
  chatml: "qwen2",
  gemma: "gemma",
  llama3: "llama3",
  mistral: "mistral-v0.1",
  phi3: "phi3",
  zephyr: "tinyllama-zephyr",
};

interface Case {
  messages: string;
  add_generation_prompt: boolean;
  continue_final_message?: boolean;
  text?: string;
  error?: { message: string };
}
interface Original {
  name: string;
  bos_token: string;
  eos_token: string;
  cases: Case[];
}

for (const [name, originalName] of Object.entries(ORIGINALS)) {
  Deno.test({
    ...guards,
    name:
      `templates/${name}.jinja prints what the ${originalName} template prints`,
    permissions: { read: [folder, ...(reference ? [reference] : [])] },
    ignore: reference === undefined,
    fn() {
      const { message_lists, templates } = JSON.parse(
        Deno.readTextFileSync(reference ?? ""),
      );
      const original = (templates as Original[]).find((t) =>
        t.name === originalName
      );
      assert(original !== undefined);
      const { bos_token, eos_token } = original;
      const template = createChatTemplate(
        Deno.readTextFileSync(templateFile(name)),
        {
          name,
          specialTokens: { bos_token, eos_token },
        },
      );
      for (const one of original.cases) {
        const render = () =>
          template.render(message_lists[one.messages].messages as Message[], {
            addGenerationPrompt: one.add_generation_prompt,
            continueFinalMessage: one.continue_final_message ?? false,
          });
        if (one.error) assertThrows(render, RangeError, one.error.message);
        else assertEquals(render(), one.text ?? "", one.messages);
        compared("chat templates");
      }
    },
  });
}

Deno.test({
  ...guards,
  name: "templateFile() knows every file of templates/ and no other",
  permissions: { read: [folder] },
  fn() {
    const found = [...Deno.readDirSync(folder)].map((entry) => entry.name)
      .filter((name) => name.endsWith(".jinja")).map((name) =>
        name.slice(0, -6)
      );
    assertEquals(found.sort(), [...TEMPLATE_NAMES].sort());
  },
});

Deno.test({
  ...guards,
  name: "templateFile() passes paths on and lists the names for an unknown one",
  permissions: "none",
  fn() {
    assertEquals(templateFile("./my/own.jinja"), "./my/own.jinja");
    assertThrows(() => templateFile("chatmI"), RangeError, '"chatml", "gemma"');
  },
});
