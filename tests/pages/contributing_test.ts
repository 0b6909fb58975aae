/**
 * CONTRIBUTING's names stand in the files that it gives; the examples of what to add compile and
 * run.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { codeBlocks, pageText, ROOT } from "./pages.ts";
import { test } from "../test_case.ts";

const reading = {
  permissions: { read: [ROOT] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Whether a text declares a name: as a function, type, constant, field or method. */
function declares(text: string, name: string): boolean {
  const words =
    "function\\*?|class|interface|type|const|let|fn|struct|readonly|get|async|export";
  return new RegExp(
    `\\b(${words}) ${name}\\b|^ +#?${name}(<[^>]*>)?\\(`,
    "m",
  ).test(text);
}

test(
  "declares() tells a declaration from a use",
  { ...reading, permissions: "none" },
  () => {
    assert(declares("export function run<T>(): void {}", "run"));
    assert(declares("class A {\n  async stop(): void {}\n}", "stop"));
    assert(declares("interface A {\n  readonly kind: string;\n}", "kind"));
    assert(!declares("const a = run(1);", "run"));
    assert(!declares("import { run } from './run.ts';", "run"));
  },
);

test("CONTRIBUTING's names stand in the files it gives", reading, () => {
  const text = pageText("CONTRIBUTING.md").replaceAll(/\s+/g, " ");
  const pointers = [...text.matchAll(/`(\w+)` in `([\w./]+)`/g)];
  assert(pointers.length > 8, `found ${pointers.length}`);
  const wrong = pointers.filter(([, name = "", path = ""]) =>
    !declares(Deno.readTextFileSync(join(ROOT, path)), name)
  );
  assertEquals(wrong.map(([pointer]) => pointer), []);
});

/**
 * A program of the examples: a family, a loss and a dataset shape, each put where its table would
 * have it.
 */
function program([family, loss, shape]: readonly string[]): string {
  const from = (path: string) => JSON.stringify(toFileUrl(join(ROOT, path)));
  return `
import type { Family } from ${from("src/model/config/family.ts")};
import { FAMILIES } from ${from("src/model/config/families.ts")};
import { ofMargin } from ${from("src/training/loss/loss_forms.ts")};
import { lossDefaults } from ${from("src/training/loss/loss_options.ts")};
import type { LossRow } from ${from("src/training/loss/losses.ts")};
import { pair } from ${from("src/preference/formats/layouts.ts")};
import type { Format } from ${from("src/preference/formats/format.ts")};
import type { Preference } from ${from("src/preference/formats/preference.ts")};
const LLAMA = FAMILIES.llama!;
const families: Record<string, Family> = { ${family} };
const losses = { ${loss} } satisfies Record<string, LossRow>;
const shapes: Format<Preference>[] = [ ${shape} ];
const none = new Float64Array(1);
const logps = {
  chosen: Float64Array.of(-3), rejected: Float64Array.of(-4),
  referenceChosen: Float64Array.of(-3), referenceRejected: Float64Array.of(-3.5),
  chosenLengths: Float64Array.of(1), rejectedLengths: Float64Array.of(1),
  text: none, textLengths: none, weights: Float64Array.of(1),
};
const { losses: values, chosenSlopes } = losses.truncated_quadratic.compute(
  logps, { ...lossDefaults, beta: 0.5 },
);
const row = { ask: "Hi", plus: "good", minus: "bad" };
console.log(JSON.stringify({
  norms: families.mine!.norms,
  loss: values[0], slope: chosenSlopes[0],
  read: shapes[0]!.read(row, "best_worst"),
}));
`;
}

test(
  "docs/to_add.md's family, loss and dataset shape compile and run",
  { ...reading, permissions: { read: [ROOT], run: ["deno"] } },
  async () => {
    const blocks = codeBlocks(pageText("docs/to_add.md"), "ts");
    const config = join(ROOT, "deno.json");
    const child = new Deno.Command("deno", {
      args: ["run", "-q", "--check", "--no-prompt", `--config=${config}`, "-"],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const input = new Blob([program(blocks)]).stream();
    await input.pipeTo(child.stdin);
    const { success, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    assert(success, decoder.decode(stderr));
    const { norms, loss, slope, read } = JSON.parse(decoder.decode(stdout));
    assertEquals(norms.mlpOut, "post_feedforward_layernorm");
    // margin (-3 + 3) - (-4 + 3.5) = 0.5; 1 - 0.5 * 0.5 = 0.75; its square, and -2 * 0.5 * 0.75
    assertEquals([loss, slope], [0.5625, -0.75]);
    assertStringIncludes(JSON.stringify(read), '"good"');
  },
);

test("docs/to_add.md's chat template renders turns", reading, () => {
  const [source = ""] = codeBlocks(pageText("docs/to_add.md"), "jinja");
  const template = createChatTemplate(source, {
    specialTokens: { eos_token: "</s>" },
  });
  const turns = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello" },
  ];
  assertEquals(
    template.render(turns, { addGenerationPrompt: true }),
    "### User:\nHi\n### Assistant:\nHello</s>\n### Assistant:\n",
  );
});
