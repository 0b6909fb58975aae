import {
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { type Json, QWEN2 } from "../config_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const read = (changes: Json = {}) => readModelConfig({ ...QWEN2, ...changes });
const frequencies = (changes: Json) => [
  ...read(changes).ropes.full.inverseFrequencies,
];

test("readModelConfig() reads rope from both layouts alike", pure, () => {
  // 500^(-2i / 4)
  const plain = [1, 1 / Math.sqrt(500)];
  assertEquals(frequencies({ rope_theta: 500, rope_scaling: null }), plain);
  assertEquals(
    frequencies({ rope_parameters: { rope_theta: 500, rope_type: "default" } }),
    plain,
  );
  assertEquals(frequencies({}), [1, 1 / 100], "10000 where nothing is said");
  const halved = [0.5, 0.5 / Math.sqrt(500)];
  for (
    const config of [
      { rope_theta: 500, rope_scaling: { type: "linear", factor: 2 } },
      { rope_parameters: { rope_theta: 500, rope_type: "linear", factor: 2 } },
    ]
  ) assertEquals(frequencies(config), halved);
});

test(
  "readModelConfig() slows Llama 3's slow frequencies, and blends in between",
  pure,
  () => {
    const scaling = {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    // theta 100, head_dim 6: frequencies 1, 100^(-1/3) = 0.21544, 100^(-2/3) = 0.046416;
    // turns over 64 positions: 10.186 > 4 is kept, 2.1945 is blended, 0.47279 < 1 is divided by 8
    const found = frequencies({
      head_dim: 6,
      rope_theta: 100,
      rope_scaling: scaling,
    });
    const middle = 100 ** (-1 / 3);
    const blend = (64 * middle / (2 * Math.PI) - 1) / 3; // 0.39818
    assertEquals(found[0], 1);
    assertAlmostEquals(
      found[1]!,
      (1 - blend) * middle / 8 + blend * middle,
      1e-15,
    );
    assertAlmostEquals(found[1]!, 0.10199, 1e-5);
    assertAlmostEquals(found[2]!, 100 ** (-2 / 3) / 8, 1e-15);
    assertEquals(
      frequencies({
        head_dim: 6,
        rope_parameters: { ...scaling, rope_theta: 100 },
      }),
      found,
    );
  },
);

test(
  "readModelConfig() refuses kinds of rope that it cannot compute",
  pure,
  () => {
    const refuses = (rope: Json, message: string) =>
      assertThrows(() => read(rope), TypeError, message);
    refuses(
      { rope_scaling: { rope_type: "ntk", factor: 4 } },
      'rope_type "ntk" is not served, expected one of default, linear, dynamic, llama3, yarn, longrope',
    );
    refuses(
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1 } },
      'rope_type "llama3" wants a positive number "high_freq_factor", found undefined; rope_type "llama3" wants a positive number "original_max_position_embeddings"',
    );
    refuses(
      {
        model_type: "phi3",
        rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.3 },
      },
      '"partial_rotary_factor" 0.3 of "head_dim" 4 is 1, expected an even number',
    );
    refuses(
      { rope_parameters: { rope_theta: 1e4, mrope_section: [1, 1] } },
      '"mrope_section" ([1,1]) of rope_type "default" is not known',
    );
    refuses(
      { rope_scaling: { type: "su", short_factor: [1], long_factor: [1, 1] } },
      'rope_type "longrope" wants a list of 2 numbers "short_factor", found [1]',
    );
    refuses(
      { rope_theta: -1 },
      '"rope_theta" is -1, expected a number of 1 to',
    );
    refuses({ head_dim: 5 }, '"head_dim" is 5, expected an even number');
  },
);

test(
  "readModelConfig() slows only slow frequencies by yarn, and raises cosines",
  pure,
  () => {
    const { ropes } = read({
      head_dim: 32,
      rope_theta: 10_000,
      max_position_embeddings: 256,
      rope_scaling: {
        rope_type: "yarn",
        factor: 4,
        original_max_position_embeddings: 64,
      },
    });
    const got = [...ropes.full.inverseFrequencies];
    const plain = got.map((_, i) => 10_000 ** (-i / 16));
    // 32 turns in 64 positions: dim 32 ln(64 / 64π) / (2 ln 10000) < 0, so none is left alone but
    // the first; 1 turn: dim 32 ln(64 / 2π) / (2 ln 10000) = 4.03, from the fifth on all are slowed
    assertEquals(got[0], plain[0]);
    for (let i = 5; i < 16; i++) {
      assertAlmostEquals(got[i]!, plain[i]! / 4, 1e-15);
    }
    assertAlmostEquals(got[2]!, plain[2]! * (2 / 5 / 4 + 3 / 5), 1e-15);
    assertAlmostEquals(
      ropes.full.attentionFactor,
      0.1 * Math.log(4) + 1,
      1e-15,
    );
  },
);

test(
  "readModelConfig() serves longrope up to the original length",
  pure,
  () => {
    const short_factor = [1, 2];
    const config = read({
      original_max_position_embeddings: 16,
      rope_scaling: { type: "longrope", short_factor, long_factor: [3, 4] },
    });
    const { full } = config.ropes;
    assertEquals([...full.inverseFrequencies], [1, 1 / Math.sqrt(10_000) / 2]);
    // 64 positions are 4 times 16
    assertAlmostEquals(
      full.attentionFactor,
      Math.sqrt(1 + Math.log(4) / Math.log(16)),
      1e-15,
    );
    assertEquals(config.max_position_embeddings, 16);
  },
);

test(
  "readModelConfig() gives each kind of OLMo 3's layers a rotation of its own",
  pure,
  () => {
    const scaling = {
      rope_type: "yarn",
      factor: 4,
      original_max_position_embeddings: 16,
      attention_factor: 1.5,
    };
    const olmo = (changes: Json) =>
      read({ model_type: "olmo3", head_dim: 32, ...changes }).ropes;
    const [whole, cut] = [false, true].map((truncate) =>
      olmo({ rope_theta: 1e4, rope_scaling: { ...scaling, truncate } })
    );
    // the older layout: theta and scaling are those of full layers alone
    assertEquals(whole!.sliding.inverseFrequencies[8], 500_000 ** -0.5);
    assertEquals(whole!.sliding.attentionFactor, 1);
    assertEquals(whole!.full.attentionFactor, 1.5);
    assertEquals(whole!.full.inverseFrequencies[15], 1e4 ** (-15 / 16) / 4);
    assertEquals(whole!.full, cut!.full, "truncate of one kind does not count");
    const nested = olmo({
      rope_parameters: {
        full_attention: { ...scaling, rope_theta: 1e4 },
        sliding_attention: { rope_type: "default", rope_theta: 100 },
        truncate: false,
      },
    });
    assertEquals(nested.sliding.inverseFrequencies[8], 0.1);
    assertNotEquals(nested.full, cut!.full, "truncate beside them counts");
    assertEquals(olmo({}).full.inverseFrequencies[8], 500_000 ** -0.5);
    assertThrows(
      () => olmo({ rope_parameters: { rope_theta: 1e4 } }),
      TypeError,
      '"rope_parameters" has no record for each kind of layer',
    );
  },
);
