/**
 * Draws a run as SVG: loss, margins, accuracy and learning rate over its steps, from the rows of
 * `metrics.jsonl`. Opens no file and needs no permission.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/**
 * A row of `metrics.jsonl`: names to numbers. Names that begin with `eval_` belong to an
 * evaluation.
 */
export type MetricsRow = Readonly<Record<string, number>>;

/** One of the diagrams of the picture. */
interface Panel {
  /** Name in the rows. The second line of the diagram has the same name with `eval_` before it. */
  readonly name: string;
  readonly title: string;
  /** Fixed ends of the vertical axis; default: they fit the values. */
  readonly domain?: readonly [number, number];
  readonly format?: string;
  /** Whether the values are never smoothed, since they have no noise; default false. */
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
const MANY_POINTS = 40; // with at least this number of points, lines are smoothed and have no marks

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
        return step === undefined || value === undefined ||
            !Number.isFinite(value)
          ? []
          : [{ step, value, series }];
      },
    )
  );
}

/**
 * The marks of one series. If there are many points, the raw line is faint and has a running mean
 * over it.
 */
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
      minExtent: 36, // the same extent everywhere aligns the diagrams
      ...(format && { format }),
    },
    scale: domain === undefined ? { zero: false } : { domain },
  };
}

/** The style: light background, dark labels, thin lines. */
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
 * Draws the curves of a run, two in a row. Diagrams of names that no row has are left out.
 *
 * @param title the name of the run
 * @returns the text of an SVG file
 * @throws {RangeError} if no row has anything to draw
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
    bounds: "flush", // only the frames are aligned; marks and labels may reach into the spacing
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
