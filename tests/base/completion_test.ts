/** Completion as the shells do it with our scripts; a shell that is absent is skipped. */
import { assertEquals } from "@std/assert";
import { optional } from "../../src/base/composite_option.ts";
import {
  completionScript,
  type Shell,
  SHELLS,
} from "../../src/base/completion.ts";
import { choice, flag, text } from "../../src/base/option.ts";
import { defineSchema } from "../../src/base/schema.ts";
import { TASKS } from "../pages/task_schemas.ts";
import { completion } from "../../src/commands/completion.ts";
import { test } from "../test_case.ts";

const schema = defineSchema({
  "All": {
    color: optional(choice("It's [a] colour", "red", ["red", "blue"])),
    file: text("A file: its path", "a"),
    quick: flag("Be quick"),
  },
});
const TOY = ["go", "stay"].map((name) => ({
  name,
  summary: "Goes: it's quick",
  schema,
}));

/** A program that prints what a shell offers after some words, the last of which is begun. */
const ASKING: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
     COMP_CWORD=${words.length - 1}; _toy; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // zsh completes on a terminal alone: here it only reads the script
  zsh: () => "true",
  fish: (words) => `complete -C '${words.join(" ").replace(" = ", "=")}'`,
};

/** What a shell offers; undefined if the shell is not there. */
async function offered(
  shell: Shell,
  words: readonly string[],
): Promise<string[] | undefined> {
  const script = completionScript(shell, "toy", TOY);
  const ready = shell === "zsh" ? "compdef() { true; }\n" : "";
  const program = `${ready}${script}${ASKING[shell](words)}`;
  try {
    const { code, stdout, stderr } = await new Deno.Command(shell, {
      args: ["-c", program],
    }).output();
    const decoder = new TextDecoder();
    assertEquals({ code, told: decoder.decode(stderr) }, { code: 0, told: "" });
    const lines = decoder.decode(stdout).split("\n").filter((one) => one);
    return lines.map((line) => line.split("\t")[0]!.replace(/^.*=/, ""));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const CASES: readonly (readonly [words: string[], offers: string[]])[] = [
  [["toy", "g"], ["go"]],
  [["toy", "go", "--co"], ["--color"]],
  [["toy", "stay", "--qui"], ["--quick"]],
  [["toy", "go", "--color", "=", "b"], ["blue"]],
  [["toy", "go", "--color", "r"], ["red"]],
];

for (const shell of SHELLS) {
  test(`completionScript() is what ${shell} completes by`, {
    permissions: { run: [shell] },
  }, async (context) => {
    const isThere = await offered(shell, ["toy", ""]) !== undefined;
    await context.step({
      name: isThere ? `with ${shell}` : `skipped: ${shell} is not there`,
      ignore: !isThere,
      fn: async () => {
        for (const [words, offers] of shell === "zsh" ? [] : CASES) {
          assertEquals(await offered(shell, words), offers, words.join(" "));
        }
      },
    });
  });
}

test("completion() has every task with every option", () => {
  const script = completion({ shell: "bash" });
  for (const [name, { schema: { groups } }] of Object.entries(TASKS)) {
    const options = Object.values(groups).flatMap((one) => Object.keys(one));
    const wanted = [...options, "help", "version", "debug"];
    const found = script.split(`\n    ${name}) list="`)[1]?.split('"')[0];
    assertEquals(found?.split(" "), wanted.map((one) => `--${one}`), name);
  }
});
