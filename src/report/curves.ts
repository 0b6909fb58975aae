/**
 * The picture of a run: loss, margins, accuracy and learning rate over its steps, as SVG. Takes the
 * rows of `metrics.jsonl`, opens no file and needs no permission.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** A row of `metrics.jsonl`: names to numbers; `eval_` names belong to an evaluation. */
export type MetricsRow = Readonly<Record<string, number>>;

/** One small picture. */
interface Panel {
  /** Name in the rows; with `eval_` before it, the second line. */
  readonly name: string;
  readonly title: string;
  /** Ends of the vertical axis, where they are fixed. */
  readonly domain?: readonly [number, number];
  readonly format?: string;
  /** Never smoothed: it has no noise. */
  readonly raw?: boolean;
}

const PANELS: readonly Panel[] = [
  { name: "loss", title: "Loss (nats)" },
  { name: "rewards/margins", title: "Reward margin, chosen - rejected (nats)" },
  {
    name: "rewards/accuracies",
    title: "Pairs with the chosen answer ahead",
    domain: [0, 1],
    format: ".0%",
  },
  { name: "learning_rate", title: "Learning rate", format: "~e", raw: true },
];

const SUPERVISED_PANEL: Panel = {
  name: "mean_token_accuracy",
  title: "Tokens guessed right",
  domain: [0, 1],
  format: ".0%",
};

const TRAIN = "#2b6cb0";
const EVAL = "#dd6b20";
const INK = "#1a202c";
const FAINT = "#e2e8f0";
const MANY_POINTS = 40; // from here on lines are smoothed and marks are left out

interface Point {
  readonly step: number;
  readonly value: number;
  readonly series: "train" | "eval";
}

function pointsOf(rows: readonly MetricsRow[], name: string): Point[] {
  return rows.flatMap((row) =>
    ([[name, "train"], [`eval_${name}`, "eval"]] as const).flatMap(
      ([key, series]) => {
        const { step, [key]: value } = row;
        return step === undefined || value === undefined
          ? []
          : [{ step, value, series }];
      },
    )
  );
}

/** The lines of one series: raw and faint below a running mean where there are many points. */
function lines(
  points: readonly Point[],
  { series, raw = false }: { series: Point["series"]; raw?: boolean },
): unknown[] {
  const count = points.filter((point) => point.series === series).length;
  if (count === 0) return [];
  const filter = { filter: `datum.series === "${series}"` };
  const point = count < MANY_POINTS ? { filled: true, size: 28 } : false;
  const line = { type: "line", strokeWidth: 2, point };
  if (point !== false || raw) return [{ transform: [filter], mark: line }];
  const mean = {
    window: [{ op: "mean", field: "value", as: "mean" }],
    frame: [-Math.ceil(count / MANY_POINTS), Math.ceil(count / MANY_POINTS)],
  };
  return [
    {
      transform: [filter],
      mark: { ...line, strokeWidth: 1, opacity: 0.3 },
    },
    {
      transform: [filter, mean],
      mark: line,
      encoding: { y: { field: "mean", type: "quantitative" } },
    },
  ];
}

function panelSpec(
  panel: Panel,
  points: readonly Point[],
  { evaluated }: { evaluated: boolean },
): unknown {
  const { title, raw = false } = panel;
  return {
    title: {
      text: title,
      anchor: "start",
      frame: "group",
      fontSize: 12,
      offset: 10,
    },
    width: 380,
    height: 190,
    data: { values: points },
    encoding: {
      x: {
        field: "step",
        type: "quantitative",
        title: "step",
        axis: { tickCount: 6, tickMinStep: 1, format: "d", grid: false },
        scale: { nice: false, zero: true },
      },
      y: valueAxis(panel),
      color: {
        field: "series",
        type: "nominal",
        scale: { domain: ["train", "eval"], range: [TRAIN, EVAL] },
        ...(evaluated ? { title: null } : { legend: null }),
      },
    },
    layer: [
      ...lines(points, { series: "train", raw }),
      ...lines(points, { series: "eval" }),
    ],
  };
}

function valueAxis({ domain, format }: Panel): unknown {
  const zero = "datum.label === '0e+0' ? '0' : datum.label";
  return {
    field: "value",
    type: "quantitative",
    title: null,
    axis: {
      title: null,
      tickCount: 5,
      labelExpr: zero,
      minExtent: 36, // one extent aligns the panels
      ...(format && { format }),
    },
    scale: domain === undefined ? { zero: false } : { domain },
  };
}

/** Light background, dark labels, quiet lines. */
const LOOK = {
  font: "Inter, Segoe UI, Helvetica, Arial, sans-serif",
  background: "white",
  padding: 20,
  view: { stroke: null },
  title: { color: INK, fontWeight: 600 },
  axis: {
    labelColor: "#4a5568",
    titleColor: "#4a5568",
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 400,
    gridColor: FAINT,
    domainColor: "#a0aec0",
    tickColor: "#a0aec0",
    tickSize: 4,
  },
  axisY: { domain: false, ticks: false, labelPadding: 6 },
  legend: {
    orient: "top",
    labelFontSize: 12,
    labelColor: INK,
    symbolSize: 90,
    symbolOpacity: 1,
  },
} as const;

/**
 * Draws a run's curves, two by two; panels of names that no row has are left out.
 *
 * @param title The run's name
 * @returns The text of an SVG file
 * @throws {RangeError} If no row has anything to draw
 */
export async function drawCurves(
  rows: readonly MetricsRow[],
  { title }: { readonly title: string },
): Promise<string> {
  const preference = rows.some((row) => "rewards/margins" in row);
  const evaluated = rows.some((row) => "eval_loss" in row);
  const [loss, ...rest] = PANELS;
  const wanted = preference ? PANELS : [loss, SUPERVISED_PANEL, ...rest];
  const drawn = wanted.flatMap((panel) => {
    const points = panel === undefined ? [] : pointsOf(rows, panel.name);
    return panel === undefined || points.length === 0
      ? []
      : [panelSpec(panel, points, { evaluated })];
  });
  if (drawn.length === 0) {
    throw new RangeError(
      `Cannot draw the curves of "${title}": found ${rows.length} rows with nothing to draw, expected "step" and "loss"`,
    );
  }
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: title, fontSize: 17, anchor: "start", offset: 14 },
    columns: 2,
    bounds: "flush", // frames alone align; marks and labels reach into the spacing
    spacing: { row: 88, column: 72 },
    concat: drawn,
    config: LOOK,
  };
  const { spec: compiled } = compile(spec as unknown as TopLevelSpec);
  const view = new View(parse(compiled), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
