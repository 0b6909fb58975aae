/** The rules by which shader files become texts, and what is said of a file that breaks them. */
import { assertEquals, assertThrows } from "@std/assert";
import { expand, type ShaderValues } from "../../../kernels/device/expand.ts";
import { createShader } from "../../../kernels/device/shader.ts";
import { test } from "../../test_case.ts";

const pure = { permissions: "none" } as const;

/** The lines that a file of these lines comes to. */
function expanded(
  lines: readonly string[],
  values: ShaderValues = {},
  pieces: Readonly<Record<string, string>> = {},
): string[] {
  const names = Object.keys(values);
  const head = names.length > 0 ? [`//#values ${names.join(", ")}`] : [];
  const text = [...head, ...lines].join("\n");
  return expand({ name: "x.wgsl", text, pieces }, values).trimEnd().split("\n");
}

test("expand() leaves a file without marks as it is", pure, () => {
  const text = "// y = x\nfn main() {\n  // a comment\n}\n";
  assertEquals(expand({ name: "x.wgsl", text }, {}), text);
});

test("expand() puts in what expressions come to", pure, () => {
  const value = (text: string) =>
    expanded([`#{${text}}`], { N: 7, TYPE: "bf16", ADDS: true })[0];
  assertEquals(value("N + 2 * 3"), "13");
  assertEquals(value("(N + 2) * 3"), "27");
  assertEquals(value("10 - 3 - 2"), "5");
  assertEquals(value("N / 4 * 4 + N % 4"), "7"); // 4 + 3
  assertEquals(value("TYPE"), "bf16");
  assertEquals(value('TYPE == "bf16" && !(N < 7)'), "true");
  assertEquals(value('TYPE != "bf16" || N >= 8'), "false");
  assertEquals(value("ADDS == 1"), "true");
  assertEquals(value('N > 4 ? N > 6 ? "a" : "b" : "c"'), "a");
  assertEquals(value('N > 7 ? "a" : N'), "7");
  assertEquals(value('"xyzw"[N % 4]'), "w");
});

test("expand() writes a loop's lines for each number", pure, () => {
  const lines = ["//#for i in N", "a#{i}", "//#end", "b"];
  assertEquals(expanded(lines, { N: 2 }), ["a0", "a1", "b"]);
  assertEquals(expanded(lines, { N: 0 }), ["b"]);
  assertEquals(
    expanded(["//#for i in 1..N + 1, j in i..3", "#{i}#{j}", "//#end"], {
      N: 2,
    }),
    ["11", "12", "22"],
  );
});

test(
  "expand() writes the first branch whose condition holds",
  pure,
  () => {
    const lines = [
      ...["//#if N == 1", "one", "//#else if N == 2", "two", "//#else"],
      ...["many", "//#end"],
    ];
    assertEquals(expanded(lines, { N: 1 }), ["one"]);
    assertEquals(expanded(lines, { N: 2 }), ["two"]);
    assertEquals(expanded(lines, { N: 3 }), ["many"]);
    assertEquals(expanded(["//#if N", "a", "//#end", "b"], { N: 0 }), ["b"]);
  },
);

test("expand() knows a name to the end of its block", pure, () => {
  const lines = [
    ...["//#for i in 2", "//#let J = 2 * i", "#{J}", "//#end"],
    ...['//#let NAME = "k#{N}"', "#{NAME}"],
  ];
  assertEquals(expanded(lines, { N: 3 }), ["0", "2", "k3"]);
  assertThrows(
    () => expanded(["//#if 1", "//#let J = 1", "//#end", "#{J}"]),
    TypeError,
    '"J" has no value',
  );
});

test("expand() repeats a text within a line", pure, () => {
  const line = (text: string) => expanded([text], { N: 2 })[0];
  assertEquals(line('f(#[a#{i} for i in N join ", "])'), "f(a0, a1)");
  assertEquals(line("s#[ + a#{i} for i in 1..4];"), "s + a1 + a2 + a3;");
  assertEquals(
    line('#[(#[s#{i}#{j} for j in N join "+"]) for i in N join "*"]'),
    "(s00+s01)*(s10+s11)",
  );
  assertEquals(line("a[#[#{i} for i in 1]]"), "a[0]");
});

test("expand() selects one of several texts by halving", pure, () => {
  const line = (count: number) =>
    expanded(["#[s#{r} for r in N select i]"], { N: count })[0];
  assertEquals(line(1), "s0");
  assertEquals(line(2), "select(s0, s1, i >= 1u)");
  assertEquals(
    line(3),
    "select(select(s0, s1, i >= 1u), s2, i >= 2u)",
  );
});

test("expand() writes the lines of a file that is used", pure, () => {
  const pieces = {
    "sum.wgsl": "//#values N, A\n//#for i in N\n#{A}#{i}\n//#end\n",
    "both.wgsl": '//#use "sum.wgsl" A = "x"\nend\n',
  };
  assertEquals(
    expanded(
      ['//#use "both.wgsl"', '//#use "sum.wgsl" A = "y, #{N}", N = N - 1'],
      { N: 2 },
      pieces,
    ),
    ["x0", "x1", "end", "y, 20"],
  );
});

test("expand() indents the lines of a file as its use", pure, () => {
  const pieces = {
    "inner.wgsl": "{\n\n  a\n}\n",
    "outer.wgsl": 'for\n  //#use "inner.wgsl"\n',
  };
  assertEquals(
    expanded(["x", '  //#use "outer.wgsl"', "y"], {}, pieces),
    ["x", "  for", "    {", "", "      a", "    }", "y"],
  );
});

/** What is said of a file of these lines. */
function complaint(
  lines: readonly string[],
  values: ShaderValues = {},
  pieces: Readonly<Record<string, string>> = {},
): string {
  const text = lines.join("\n");
  return assertThrows(
    () => expand({ name: "x.wgsl", text, pieces }, values),
    Error,
  ).message;
}

test(
  "expand() names file and line of a block without an end",
  pure,
  () => {
    assertEquals(
      complaint(["a", "//#for i in 2", "b"]),
      'Cannot expand "x.wgsl" line 2: "//#for i in 2" has no //#end, found the end of the file',
    );
    assertEquals(
      complaint(["//#if 0", "//#else", "//#else"]),
      'Cannot expand "x.wgsl" line 1: "//#if 0" has no //#end, found "//#else" in line 3',
    );
    assertEquals(
      complaint(["a", "//#end"]),
      'Cannot expand "x.wgsl" line 2: "//#end" belongs to no //#for and no //#if',
    );
  },
);

test("expand() names the line that it cannot read", pure, () => {
  const cases = [
    ["//#fro i in 2", 'found "//#fro", expected values, let, use'],
    ["//#for i = 2", 'found "i = 2", expected NAME in COUNT'],
    ["//#let 2", 'found "2", expected NAME = VALUE'],
    ["//#use x.wgsl", 'found "x.wgsl", expected "file.wgsl"'],
    ["a #{i", '"#{i" has no "}"'],
    ["a #[b]", 'found "#[b]", expected "#[text for NAME in COUNT]"'],
    ["#{1 +}", 'found its end in "1 +", expected a value'],
    ["#{1 2}", 'found "2" in "1 2", expected a value'],
    ["#{1 $ 2}", 'found "$ 2" in "1 $ 2", expected a value'],
    ["#{(1}", 'found its end in "(1", expected ")"'],
    ["#{1 ? 2}", 'found its end in "1 ? 2", expected ":"'],
    ['#{"xyzw"[4]}', 'found letter 4 of "xyzw", expected one of a word'],
    ["#{1[0]}", "found letter 0 of 1, expected one of a word"],
    ['#{"a" + 1}', 'found "a", expected a whole number'],
    ["#{1 / 0}", "found a division by 0, expected another divisor"],
    ["#[a for i in 0 select j]", "found nothing to select from"],
    ["#{ROWS}", '"ROWS" has no value, known are none'],
  ] as const;
  for (const [line, wanted] of cases) {
    const found = complaint(["", line]);
    const begin = `Cannot expand "x.wgsl" line 2: ${wanted}`;
    assertEquals(found.slice(0, begin.length), begin);
  }
  const found = complaint(['//#if "a"', "//#end"]);
  assertEquals(
    found,
    'Cannot expand "x.wgsl" line 1: found "a", expected a number or a comparison',
  );
});

test("expand() wants the values that the file names", pure, () => {
  assertEquals(
    complaint(["", "//#values N, M"], { N: 1 }),
    'Cannot expand "x.wgsl" line 2: "M" has no value, known are "N"',
  );
  assertEquals(
    complaint(["//#values N"], { N: 1, M: 2 }),
    'Cannot expand "x.wgsl": found values for "M", its //#values lines name "N"',
  );
});

test("expand() names the line of a file that is used", pure, () => {
  const pieces = { "a.wgsl": "b\n#{C}\n", "c.wgsl": '//#use "c.wgsl"' };
  assertEquals(
    complaint(['//#use "a.wgsl"'], {}, pieces),
    'Cannot expand "a.wgsl" line 2: "C" has no value, known are none',
  );
  assertEquals(
    complaint(['//#use "b.wgsl"'], {}, pieces),
    'Cannot expand "x.wgsl" line 1: "b.wgsl" has no text, known are "a.wgsl", "c.wgsl"',
  );
  assertEquals(
    complaint(['//#use "c.wgsl"'], {}, pieces),
    'Cannot expand "c.wgsl" line 1: "c.wgsl" uses itself, by "c.wgsl"',
  );
});

test("createShader() writes the kernel of equal values once", pure, () => {
  const text =
    "//#values N\n@group(0) @binding(#{N}) var<storage, read> x: array<f32>;";
  const shader = createShader<{ N: number }>(
    { name: "x.wgsl", text },
    { nameOf: ({ N }) => `x_${N}`, used: () => [{ N: 3 }, { N: 5 }] },
  );
  const kernel = shader.kernel({ N: 3 });
  assertEquals(kernel.name, "x_3");
  assertEquals(kernel.bindings, [{ name: "x", index: 3, access: "read" }]);
  assertEquals(shader.kernel({ N: 3 }) === kernel, true);
  assertEquals(shader.kernel({ N: 4 }) === kernel, false);
  const names = [...shader.everyKernel()].map(({ name }) => name);
  assertEquals(names, ["x_3", "x_5"]);
});
