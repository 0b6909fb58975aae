import { assertThrows } from "@std/assert";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { checkWhole } from "../../../src/training/setup/run_model.ts";
import { familyConfig } from "../../model/config_case.ts";
import { test } from "../../test_case.ts";

test("checkWhole() refuses to train all weights of a part of a model", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  checkWhole(readModelConfig(familyConfig("gemma3_text")), "folder");
  assertThrows(
    () => checkWhole(readModelConfig(familyConfig("gemma3")), "folder"),
    TypeError,
    'Cannot train all weights of "folder": of model_type "gemma3" only the text half is served, expected an adapter (use_peft)',
  );
});
