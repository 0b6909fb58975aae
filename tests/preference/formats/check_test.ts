/** Rows that can be read and must not be used. */
import { assertEquals } from "@std/assert";
import {
  answersEqual,
  preferenceFault,
} from "../../../src/preference/formats/check.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const parts = {
  prompt: [user("Hi")],
  chosen: [assistant("good")],
  rejected: [assistant("bad")],
  line: 7,
};

test({
  ...pure,
  name:
    "preferenceFault() finds empty answers, wrong last roles and prompts that are answered already",
  fn() {
    const { line, ...rest } = parts;
    const fault = (change: Partial<typeof rest>) =>
      preferenceFault({ ...rest, ...change, line });
    assertEquals(fault({ chosen: [assistant(" \n")] }), '"chosen" is empty');
    assertEquals(fault({ rejected: [] }), '"rejected" has no turns');
    assertEquals(
      fault({ rejected: [user("bad")] }),
      '"rejected" ends with the role "user", expected "assistant"',
    );
    assertEquals(
      fault({ prompt: [] }),
      "no_common_prompt: chosen and rejected have no first turn in common, and there is no other prompt",
    );
    assertEquals(
      fault({ prompt: [user("a"), assistant("b")] })?.includes(
        'ends with the role "assistant"',
      ),
      true,
    );
    assertEquals(
      preferenceFault({ prompt: "", chosen: "a", rejected: "", line }),
      '"rejected" is empty',
    );
    for (const prompt of ["", " ", [user("")]]) {
      const pair = { prompt, chosen: "a", rejected: "b", line };
      assertEquals(preferenceFault(pair)?.split(":")[0], "no_common_prompt");
      const allowed = preferenceFault(pair, { allowEmptyPrompt: true });
      assertEquals(allowed, undefined);
    }
    assertEquals(answersEqual({ ...parts, rejected: parts.chosen }), true);
    assertEquals(answersEqual(parts), false);
  },
});
