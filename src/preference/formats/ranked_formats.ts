/**
 * The table of formats of preference data that hold a vote, ranks or scores: which keys a row has,
 * and how it becomes pairs. A tie makes no pair. To serve another format, add a row; the most
 * specific formats come first.
 */
import type { Format } from "./format.ts";
import {
  choicesInRounds,
  columns,
  everyPair,
  index,
  letter,
  listed,
  marks,
  named,
  nearer,
  parallel,
  ranking,
  strength,
  vote,
} from "./layouts.ts";
import type { Preference } from "./preference.ts";
import { isTextList, type Row } from "./turns.ts";

const ANSWERS = "responses|generations|completions|candidates|answers|outputs";
const ASKED = "prompt|question|instruction|query";
const FIRST = "response_a|answer_a|output_a|completion_a|answer_A|output_A";
const SECOND = "response_b|answer_b|output_b|completion_b|answer_B|output_B";

const isPair = (row: Row) => "chosen" in row && "rejected" in row;

/** The formats of votes, ranks and scores. */
export const RANKED_FORMATS: readonly Format<Preference>[] = [
  {
    name: "Nectar",
    keys: ["prompt", "answers"],
    looks: '{"prompt": "...", "answers": [{"answer": "...", "rank": 1}, ...]}',
    from: "Nectar",
    read: ranking({
      prompt: "prompt",
      candidates: listed("answers", "answer", "rank"),
      lowerIsBetter: true,
    }),
  },
  {
    name: "NeMo-RL",
    keys: ["context", "completions"],
    looks:
      '{"context": [turns], "completions": [{"rank": 0, "completion": [turns]}, ...]}',
    from: "NVIDIA NeMo-RL",
    read: ranking({
      prompt: "context",
      candidates: listed("completions", "completion", "rank"),
      lowerIsBetter: true,
    }),
  },
  {
    name: "Vertex",
    keys: ["contents", "completions"],
    looks:
      '{"systemInstruction": {...}, "contents": [{"role": "user", "parts": [{"text": "..."}]}], "completions": [{"score": 1, "completion": {turn}}, ...]}',
    from: "Google Vertex AI",
    read: ranking({
      prompt: "contents",
      candidates: listed("completions", "completion", "score"),
    }),
  },
  {
    name: "UltraFeedback",
    keys: ["instruction|prompt", "completions"],
    fits: ({ completions }) => !isTextList(completions),
    looks:
      '{"instruction": "...", "completions": [{"response": "...", "overall_score": 8}, ...]}',
    from: "UltraFeedback",
    read: ranking({
      prompt: "instruction|prompt",
      candidates: listed(
        "completions",
        "response|completion|text",
        "fine-grained_score|overall_score|score|rating",
      ),
    }),
  },
  {
    name: "answers with ranks",
    keys: ["prompt|instruction|question|input", ANSWERS, "ranks"],
    fits: (row) => !isPair(row),
    looks: '{"prompt": "...", "responses": ["...", "..."], "ranks": [1, 2]}',
    from: "datasets of own names; the lowest rank is the best",
    read: ranking({
      prompt: "instruction|prompt|question|input",
      candidates: parallel(ANSWERS, "ranks"),
      lowerIsBetter: true,
    }),
  },
  {
    name: "answers with scores",
    keys: [
      "prompt|instruction|question|input",
      ANSWERS,
      "scores|ratings|rewards",
    ],
    fits: (row) => !isPair(row),
    looks:
      '{"prompt": "...", "responses": ["...", "..."], "scores": [1, 0.5]}, or "generations" and "ratings"',
    from: "OpenRLHF, distilabel, sampling scripts",
    read: ranking({
      prompt: "instruction|prompt|question|input",
      candidates: parallel(ANSWERS, "scores|ratings|rewards"),
    }),
  },
  {
    name: "AlpacaFarm",
    keys: ["instruction", "output_1", "output_2", "preference"],
    looks:
      '{"instruction": "...", "input": "", "output_1": "...", "output_2": "...", "preference": 1}',
    from: "AlpacaFarm, AlpacaEval; a preference below 1.5 is for the first",
    read: vote({
      prompt: "instruction",
      answers: ["output_1", "output_2"],
      best: nearer("preference", [1, 2]),
    }),
  },
  {
    name: "WebGPT comparisons",
    keys: ["question", "answer_0", "answer_1", "score_0", "score_1"],
    looks:
      '{"question": {"full_text": "..."}, "answer_0": "...", "answer_1": "...", "score_0": 1, "score_1": -1}',
    from: "webgpt_comparisons",
    read: ranking({
      prompt: "question.full_text|question",
      candidates: columns([["answer_0", "score_0"], ["answer_1", "score_1"]]),
    }),
  },
  {
    name: "summaries",
    keys: ["info", "summaries", "choice"],
    looks:
      '{"info": {"post": "..."}, "summaries": [{"text": "..."}, {"text": "..."}], "choice": 0}',
    from: "summarize_from_feedback; the prompt is the post or article alone",
    read: vote({
      prompt: "info.post|info.article",
      answers: ["summaries.0.text", "summaries.1.text"],
      best: index("choice"),
    }),
  },
  {
    name: "SHP",
    keys: ["history", "human_ref_A", "human_ref_B", "labels"],
    looks:
      '{"history": "...", "human_ref_A": "...", "human_ref_B": "...", "labels": 1}',
    from: "Stanford Human Preferences",
    read: vote({
      prompt: "history",
      answers: ["human_ref_A", "human_ref_B"],
      best: index("labels", [1, 0]),
      scores: ["score_A", "score_B"],
    }),
  },
  {
    name: "SafeRLHF",
    keys: ["prompt", "response_0", "response_1", "better_response_id"],
    looks:
      '{"prompt": "...", "response_0": "...", "response_1": "...", "better_response_id": 1}',
    from: "PKU-SafeRLHF, BeaverTails",
    read: vote({
      prompt: "prompt",
      answers: ["response_0", "response_1"],
      best: index("better_response_id"),
    }),
  },
  {
    name: "Align-Anything",
    keys: ["question", "response_1", "response_2", "overall_response"],
    looks:
      '{"question": "...", "response_1": "...", "response_2": "...", "overall_response": 1}',
    from: "align-anything (texts)",
    read: vote({
      prompt: "question",
      answers: ["response_1", "response_2"],
      best: index("overall_response", [1, 2]),
    }),
  },
  {
    name: "Unified-Feedback",
    keys: ["conv_A", "conv_B", "conv_A_rating", "conv_B_rating"],
    looks:
      '{"conv_A": [turns], "conv_B": [turns], "conv_A_rating": 1, "conv_B_rating": 0}',
    from: "Unified-Feedback",
    read: ranking({
      candidates: columns([
        ["conv_A", "conv_A_rating"],
        ["conv_B", "conv_B_rating"],
      ]),
    }),
  },
  {
    name: "HelpSteer",
    keys: ["prompt", "response_1", "response_2", "preference_strength"],
    looks:
      '{"prompt": "...", "response_1": "...", "response_2": "...", "preference_strength": -2}',
    from: "HelpSteer2's preferences",
    read: vote({
      prompt: "prompt",
      answers: ["response_1", "response_2"],
      best: strength("preference_strength"),
    }),
  },
  {
    name: "HelpSteer3",
    keys: ["context", "response1", "response2", "overall_preference"],
    looks:
      '{"context": [turns], "response1": "...", "response2": "...", "overall_preference": -2}',
    from: "HelpSteer3's preferences",
    read: vote({
      prompt: "context",
      answers: ["response1", "response2"],
      best: strength("overall_preference"),
    }),
  },
  {
    name: "Prometheus",
    keys: [
      "orig_instruction",
      "orig_response_A",
      "orig_response_B",
      "orig_preference",
    ],
    looks:
      '{"orig_instruction": "...", "orig_response_A": "...", "orig_response_B": "...", "orig_preference": "A"}',
    from: "Prometheus's Preference-Collection",
    read: vote({
      prompt: "orig_instruction",
      answers: ["orig_response_A", "orig_response_B"],
      best: letter("orig_preference"),
      scores: ["orig_score_A", "orig_score_B"],
    }),
  },
  {
    name: "JudgeBench",
    keys: ["question", "response_A", "response_B", "label"],
    looks:
      '{"question": "...", "response_A": "...", "response_B": "...", "label": "A>B"}',
    from: "JudgeBench",
    read: vote({
      prompt: "question",
      answers: ["response_A", "response_B"],
      best: letter("label"),
    }),
  },
  {
    name: "tinker",
    keys: ["comparison", "label"],
    looks:
      '{"comparison": {"prompt_conversation": [turns], "completion_A": [turns], "completion_B": [turns]}, "label": "A"}',
    from: "tinker-cookbook",
    read: vote({
      prompt: "comparison.prompt_conversation",
      answers: ["comparison.completion_A", "comparison.completion_B"],
      best: letter("label"),
    }),
  },
  {
    name: "arena rounds",
    keys: ["prompt", "response_a", "response_b", "winner_model_a"],
    looks:
      '{"prompt": "[\\"...\\"]", "response_a": "[\\"...\\"]", "response_b": "[\\"...\\"]", "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}',
    from: "lmsys-arena-human-preference-55k",
    read: vote({
      prompt: "prompt",
      answers: ["response_a", "response_b"],
      best: marks(["winner_model_a", "winner_model_b"], "winner_tie"),
      rounds: true,
    }),
  },
  {
    name: "arena responses",
    keys: [ASKED, FIRST, SECOND, "winner|preference|preferred"],
    looks:
      '{"prompt": "...", "response_a": "...", "response_b": "...", "winner": "model_a"}, or "answer_a", "answer_b" and "preference": "A"',
    from: "WSDM Cup, LMArena, and datasets of own names",
    read: vote({
      prompt: ASKED,
      answers: [FIRST, SECOND],
      best: letter("winner|preference|preferred"),
    }),
  },
  {
    name: "arena marks",
    keys: ["conversation_a", "conversation_b", "winner_model_a"],
    looks:
      '{"conversation_a": [turns], "conversation_b": [turns], "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}',
    from: "arenas that mark the winner",
    read: vote({
      answers: ["conversation_a", "conversation_b"],
      best: marks(["winner_model_a", "winner_model_b"], "winner_tie"),
    }),
  },
  {
    name: "arena",
    keys: [
      "conversation_a|messages_a",
      "conversation_b|messages_b",
      "winner",
    ],
    looks:
      '{"conversation_a": [turns], "conversation_b": [turns], "winner": "model_a"}, or "messages_a", "messages_b"',
    from: "arena-human-preference-140k, search-arena",
    read: vote({
      answers: ["conversation_a|messages_a", "conversation_b|messages_b"],
      best: letter("winner"),
    }),
  },
  {
    name: "compar:IA",
    keys: ["conversation_a", "conversation_b", "chosen_model_name"],
    looks:
      '{"conversation_a": [turns], "conversation_b": [turns], "model_a_name": "...", "model_b_name": "...", "chosen_model_name": "...", "both_equal": false}',
    from: "comparia-votes",
    read: vote({
      answers: ["conversation_a", "conversation_b"],
      best: named("chosen_model_name", {
        names: ["model_a_name|model_a", "model_b_name|model_b"],
        tie: "both_equal",
      }),
    }),
  },
  {
    name: "community-alignment",
    keys: ["first_turn_prompt", "first_turn_preferred_response"],
    looks:
      '{"first_turn_prompt": "...", "first_turn_response_a": "...", (to d) "first_turn_preferred_response": "a"}, and so on to "fourth_turn"',
    from: "community-alignment-dataset; a pair with each answer not preferred",
    read: choicesInRounds,
  },
  {
    name: "lists of answers",
    keys: ["prompt", "chosen", "rejected"],
    fits: ({ chosen, rejected }) => isTextList(chosen) && isTextList(rejected),
    looks:
      '{"prompt": "...", "chosen": ["...", ...], "rejected": ["...", ...]}',
    from: "RewardBench 2, RM-Bench; a pair of each good and each bad answer",
    read: everyPair,
  },
];
