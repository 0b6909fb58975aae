import { assertEquals, assertThrows } from "@std/assert";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import type { Message } from "../../src/text/message.ts";
import { TEMPLATE_NAMES, templateFile } from "../../src/text/template_files.ts";
import { fixturePath, FIXTURES } from "../fixture_path.ts";
import { compared, referenceJson } from "../reference_dir.ts";
import { eachCase, referenceTest } from "../reference_test_case.ts";
import { test } from "../test_case.ts";

const folder = new URL("../../templates/", import.meta.url);
const guards = { sanitizeOps: true, sanitizeResources: true } as const;

/** Templates of the reference, and ours that must print the same. */
const ORIGINALS: Readonly<Record<string, string>> = {
  qwen2: "chatml",
  gemma: "gemma",
  llama3: "llama3",
  "mistral-v0.1": "mistral",
  phi3: "phi3",
  "tinyllama-zephyr": "zephyr",
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

function checkTemplate(
  name: string,
  { bos_token, eos_token, cases }: Original,
  lists: Readonly<Record<string, { messages: Message[] }>>,
): void {
  const source = Deno.readTextFileSync(templateFile(name));
  const specialTokens = { bos_token, eos_token };
  const template = createChatTemplate(source, { name, specialTokens });
  for (const one of cases) {
    const render = () =>
      template.render(lists[one.messages]!.messages, {
        addGenerationPrompt: one.add_generation_prompt,
        continueFinalMessage: one.continue_final_message ?? false,
      });
    if (one.error) assertThrows(render, RangeError, one.error.message);
    else assertEquals(render(), one.text ?? "", one.messages);
    compared("chat templates");
  }
}

referenceTest(
  "templates/ print what the templates print that they are made after",
  async (context) => {
    const { message_lists, templates } = referenceJson("chat_templates.json");
    const originals = (templates as Original[]).flatMap((original) => {
      const name = ORIGINALS[original.name];
      return name === undefined ? [] : [{ name, original }];
    });
    await eachCase(
      context,
      originals,
      ({ name, original }) => checkTemplate(name, original, message_lists),
    );
  },
  { read: [folder] },
);

test(
  "the subset of the reference has the original of every template but ours",
  { permissions: { read: [FIXTURES] } },
  () => {
    const text = Deno.readTextFileSync(fixturePath("chat_templates.json"));
    const names = JSON.parse(text).templates.map(({ name }: Original) => name);
    const missing = Object.keys(ORIGINALS).filter((one) =>
      !names.includes(one)
    );
    assertEquals(missing, []);
  },
);

test({
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

test({
  ...guards,
  name: "templateFile() passes paths on and lists the names for an unknown one",
  permissions: "none",
  fn() {
    assertEquals(templateFile("./my/own.jinja"), "./my/own.jinja");
    assertThrows(() => templateFile("chatmI"), RangeError, '"chatml", "gemma"');
  },
});
