/**
 * Puts the model that `recipes/tiny-sft.jsonc` trained where the demo and the recipes look for it:
 * the last step of `deno task make-tiny`.
 */
// deno-lint-ignore-file no-console
const FROM = "output/tiny-sft";
const TO = "model_hub/tiny";
const FILES = [
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

const CARD = `# The embedded tiny model

A Qwen2-shaped decoder of 985,216 parameters with its own tokenizer of 1,536 tokens, taught by supervised
fine-tuning on \`data/tiny/sft/train.jsonl\` (\`recipes/tiny-sft.jsonc\`): short questions in English and Chinese,
each answered in two manners, courteous or curt. It answers in either. It knows nothing else.

Made by \`deno task make-tiny\`; licence MIT, as the project.
`;

await Deno.mkdir(TO, { recursive: true });
for (const name of FILES) {
  await Deno.copyFile(`${FROM}/${name}`, `${TO}/${name}`);
}
await Deno.writeTextFile(`${TO}/README.md`, CARD);
console.log(`${TO} is made`);
