/** What a run tells the chat template: its system text, its variables, and empty thoughts. */
import { assertEquals } from "@std/assert";
import { variablesOf } from "../../../src/text/chat_options.ts";
import {
  type Encoder,
  tokenizeDemonstration,
  tokenizePreference,
} from "../../../src/preference/tokens/tokenize.ts";
import { withVariables } from "../../../src/text/chat_template.ts";
import { test } from "../../test_case.ts";
import { characterEncoder } from "./character_encoder.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const user = { role: "user", content: "Hi" };
const yes = { role: "assistant", content: "yes" };
const no = { role: "assistant", content: "no" };
const TURNS = { prompt: [user], chosen: [yes], rejected: [no], line: 1 };

function textOf({ tokenizer }: Encoder, ids: readonly number[]): string {
  return tokenizer.decode(ids);
}

test(
  "tokenizePreference() puts the system text before rows that have none, of turns and of text",
  pure,
  () => {
    const encoder = { ...characterEncoder(), system: "Be kind" };
    const own = [{ role: "system", content: "Mine" }, user];
    const text = { prompt: "Hi", chosen: "yes", rejected: "no", line: 1 };
    const chosen = [TURNS, text, { ...TURNS, prompt: own }].map((row) =>
      textOf(encoder, tokenizePreference(row, encoder).tokens.chosen.ids)
    );
    const told = "<system>Be kind</s><user>Hi</s><assistant>yes</s>";
    const kept = "<system>Mine</s><user>Hi</s><assistant>yes</s>";
    assertEquals(chosen, [told, told, kept]);
  },
);

test(
  "tokenizeDemonstration() leaves a text without a prompt as it is, whatever the system text",
  pure,
  () => {
    const encoder = { ...characterEncoder(), system: "Be kind" };
    const row = { prompt: "", completion: "Once", line: 1 };
    const { tokens } = tokenizeDemonstration(row, encoder);
    assertEquals(textOf(encoder, tokens.ids), "Once</s>");
  },
);

test(
  "withVariables() lets a run set what the template asks for, and a row override it",
  pure,
  () => {
    const { template } = characterEncoder(
      "{{ enable_thinking is defined and enable_thinking is false }}",
    );
    const filled = withVariables(template!, { enable_thinking: false });
    const variables = { enable_thinking: true };
    assertEquals(
      [
        template!.render([]),
        filled.render([]),
        filled.render([], { variables }),
      ],
      ["False", "True", "False"],
    );
  },
);

test(
  "variablesOf() joins enable_thinking and chat_template_kwargs",
  pure,
  () => {
    assertEquals(variablesOf({}), undefined);
    assertEquals(
      variablesOf({ enable_thinking: false, chat_template_kwargs: { a: 1 } }),
      { a: 1, enable_thinking: false },
    );
  },
);

/** As hybrid models' templates: an empty thought before the last answer, none in the opening. */
const HYBRID =
  "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}</s>{% endfor %}" +
  "{% if add_generation_prompt %}<assistant>{% endif %}";

for (const ignoreEmptyThink of [false, true]) {
  test(
    `tokens of an empty thought are ${
      ignoreEmptyThink ? "left out of" : "in"
    } the loss`,
    pure,
    () => {
      const encoder = { ...characterEncoder(HYBRID), ignoreEmptyThink };
      const thought = ignoreEmptyThink ? "" : "<think>\n\n</think>\n\n";
      const { chosen } = tokenizePreference(TURNS, encoder).tokens;
      const trained = textOf(encoder, chosen.ids.slice(chosen.completionStart));
      assertEquals(trained, `${thought}yes</s>`);
      const several = { prompt: [user, no, user], completion: [yes], line: 1 };
      const { ids, spans } = tokenizeDemonstration(several, encoder, {
        assistantOnly: true,
      }).tokens;
      const texts = spans?.map(([from, to]) =>
        textOf(encoder, ids.slice(from, to))
      );
      assertEquals(texts?.map((one) => one.startsWith("<think>")), [
        !ignoreEmptyThink,
        !ignoreEmptyThink,
      ]);
    },
  );
}
