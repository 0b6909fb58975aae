import { assertEquals } from "@std/assert";
import { inTurn } from "../../src/generation/in_turn.ts";
import { test } from "../test_case.ts";

test(
  "inTurn() passes the first text on as it grows and holds the others back",
  { permissions: "none", sanitizeOps: true, sanitizeResources: true },
  () => {
    const seen: string[] = [];
    const { onText, onEnd } = inTurn(3, {
      onBegin: (i) => seen.push(`begin ${i}`),
      onText: (i, piece) => seen.push(`${i} ${piece}`),
      onEnd: (i) => seen.push(`end ${i}`),
    });
    onText(1, "x");
    onText(0, "a");
    onText(1, "y");
    onEnd(2);
    onText(0, "b");
    assertEquals(seen.splice(0), ["begin 0", "0 a", "0 b"]);
    onEnd(0);
    assertEquals(seen.splice(0), ["end 0", "begin 1", "1 xy"]);
    onText(1, "z");
    onEnd(1);
    assertEquals(seen, ["1 z", "end 1", "begin 2", "end 2"]);
  },
);
