/** Rows of every shape, read as pairs, as feedback and as demonstrations. */
import { readChecked } from "../../../src/preference/loading/checked_rows.ts";
import {
  demonstrations,
  FEEDBACK,
  PREFERENCES,
} from "../../../src/preference/loading/example_kinds.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateObject } from "../mutate_json.ts";
import { asLine } from "../project_files.ts";

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });

const SHAPES: readonly Readonly<Record<string, unknown>>[] = [
  { prompt: "a", chosen: "b", rejected: "c" },
  {
    prompt: [user("hi")],
    chosen: [assistant("x")],
    rejected: [assistant("y")],
    score_chosen: 1,
    score_rejected: 0,
    tools: [{ type: "function", function: { name: "f", parameters: {} } }],
    chat_template_kwargs: { a: 1 },
  },
  {
    chosen: [user("hi"), assistant([{ type: "text", text: "x" }])],
    rejected: [user("hi"), assistant([{ type: "text", text: "y" }])],
    margin: 0.5,
  },
  {
    prompt: "q",
    answers: [{ answer: "a", rank: 1 }, { answer: "b", rank: 2 }],
  },
  {
    instruction: "i",
    completions: [{ response: "r", overall_score: 8 }, {
      response: "s",
      overall_score: 2,
    }],
  },
  { history: "h", human_ref_A: "a", human_ref_B: "b", labels: 1 },
  { prompt: "p", response_0: "a", response_1: "b", better_response_id: 1 },
  {
    context: [user("x")],
    response1: "a",
    response2: "b",
    overall_preference: -2,
  },
  {
    conversation_a: [user("x"), assistant("y")],
    conversation_b: [user("x"), assistant("z")],
    winner: "model_a",
  },
  {
    conversations: [{ from: "human", value: "x" }],
    chosen: { from: "gpt", value: "y" },
    rejected: { from: "gpt", value: "z" },
  },
  {
    chosen: "\n\nHuman: a\n\nAssistant: b",
    rejected: "\n\nHuman: a\n\nAssistant: c",
  },
  {
    messages: [user("x"), {
      role: "assistant",
      chosen_value: "y",
      rejected_value: "z",
    }],
  },
  { prompt: "p", completion: "c", label: true },
  { prompt: [user("x")], completion: [assistant("y")], label: false },
  { messages: [{ role: "system", content: "s" }, user("x"), assistant("y")] },
  {
    conversations: [{ from: "human", value: "x" }, { from: "gpt", value: "y" }],
  },
  {
    instruction: "i",
    input: "n",
    output: "o",
    system: "s",
    history: [["a", "b"]],
  },
  { text: "some text" },
  { question: "q", response: "r" },
];

const KINDS = [PREFERENCES, FEEDBACK, demonstrations({})];

/** Reads a row; what is wrong with it is said as a loader says it. */
function checked(value: Readonly<Record<string, unknown>>, kind: unknown) {
  const source = { path: "x.jsonl", columns: {} };
  try {
    return readChecked(
      { path: "x.jsonl", line: 1, value, source } as never,
      kind as never,
      { columns: {}, ranking: "best_worst" } as never,
    );
  } catch (error) {
    if (error instanceof Error) {
      error.message = `Cannot read "x.jsonl" line 1: ${error.message}`;
    }
    throw error;
  }
}

/** The target. */
export function rows(): Promise<DrawInput> {
  return Promise.resolve((chance) => {
    const value = mutateObject(chance, chance.pick(SHAPES));
    const kind = chance.pick(KINDS);
    return {
      words: `a changed row as ${kind.name}`,
      run() {
        const { examples, format } = checked(value, kind);
        hold(typeof format === "string", () => "a row without a format");
        for (const example of examples as readonly object[]) {
          hold(
            typeof example === "object" && example !== null,
            () => "an example that is no object",
          );
        }
      },
      show: () => asLine(JSON.stringify(value)),
    };
  });
}
