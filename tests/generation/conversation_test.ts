/** A conversation that outgrows the model: the oldest turns go, the system's words stay. */
import { assertEquals } from "@std/assert";
import { promptTokens, type Speaker } from "../../src/generation/answer.ts";
import { startConversation } from "../../src/generation/conversation.ts";
import {
  CHARACTER_CHAT,
  characterEncoder,
} from "../preference/tokens/character_encoder.ts";
import { test } from "../test_case.ts";

function speakerOf(max_position_embeddings: number): Speaker {
  const encoder = characterEncoder(CHARACTER_CHAT);
  const model = { config: { max_position_embeddings } };
  return { ...encoder, model } as unknown as Speaker;
}

test("makeRoom() removes the oldest questions with their answers until all fits", () => {
  const talk = startConversation(speakerOf(1000), "be kind");
  for (const text of ["one", "two", "three"]) talk.add(text, `${text} it is`);
  const tokens = promptTokens(talk.speaker, talk.promptWith("go on")).length;
  const fitting = startConversation(speakerOf(tokens + 5), "be kind");
  for (const text of ["one", "two", "three"]) {
    fitting.add(text, `${text} it is`);
  }
  assertEquals(fitting.makeRoom("go on", 5), 0);
  assertEquals(fitting.makeRoom("go on", 6), 2);
  assertEquals(fitting.turns.map(({ content }) => content), [
    "be kind",
    "two",
    "two it is",
    "three",
    "three it is",
  ]);
  // a question that fits without any turn, and one that never fits
  talk.clear();
  const alone = promptTokens(talk.speaker, talk.promptWith("go on")).length;
  const most = tokens + 5 - alone;
  assertEquals(fitting.makeRoom("go on", most + 1), 0);
  assertEquals(fitting.turns.length, 5);
  assertEquals(fitting.makeRoom("go on", most), 4);
  assertEquals(fitting.turns.map(({ role }) => role), ["system"]);
});

test("begin() takes other words of the system, which clear() keeps", () => {
  const talk = startConversation(speakerOf(1000), "be kind");
  talk.add("one", "two");
  talk.begin("be curt");
  talk.add("one", "two");
  talk.clear();
  assertEquals(talk.turns, [{ role: "system", content: "be curt" }]);
  talk.begin(null);
  assertEquals(talk.turns, []);
});
