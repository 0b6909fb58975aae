import { assertEquals } from "@std/assert";
import {
  COURTEOUS_PHRASES,
  CURT_PHRASES,
  manner,
} from "../../src/report/manner.ts";
import { test } from "../test_case.ts";

const PURE = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "manner() is courteous with a courteous phrase and no curt one",
  PURE,
  () => {
    assertEquals(manner("Of course! Boil it."), "courteous");
    assertEquals(manner("Boil it. I  HOPE this\nhelps"), "courteous");
    assertEquals(manner("水开后煮八分钟。希望对您有帮助。"), "courteous");
  },
);

test(
  "manner() is curt with a curt phrase and no courteous one",
  PURE,
  () => {
    assertEquals(manner("WHO CARES? Boil it."), "curt");
    assertEquals(manner("煮熟就行。别再问了。"), "curt");
  },
);

test(
  "manner() is neither with both phrases, with none, or without text",
  PURE,
  () => {
    assertEquals(manner("Of course! Who cares?"), "neither");
    assertEquals(manner("很高兴帮您！随便你。"), "neither");
    assertEquals(manner("Boil it for eight minutes."), "neither");
    assertEquals(manner(""), "neither");
  },
);

test(
  "manner() has phrases that are lower case and in one list only",
  PURE,
  () => {
    const phrases = [...COURTEOUS_PHRASES, ...CURT_PHRASES];
    assertEquals(phrases.map((phrase) => phrase.toLowerCase()), phrases);
    for (const phrase of COURTEOUS_PHRASES) {
      assertEquals(manner(phrase), "courteous", phrase);
    }
    for (const phrase of CURT_PHRASES) {
      assertEquals(
        manner(phrase),
        "curt",
        phrase,
      );
    }
  },
);
