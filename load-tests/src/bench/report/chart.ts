/** One curve. */
export type Curve = {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
};

/** A chart of curves over one axis that is logarithmic or not. */
export type Chart = {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly logarithmic: boolean;
  readonly curves: readonly Curve[];
};

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 80;
const RIGHT = 20;
const TOP = 40;
const BOTTOM = 50;
const COLOURS = ['#0b6e4f', '#b3541e', '#3b4cc0', '#7a3b69'];

/** The chart as SVG, readable on light and dark pages alike. */
export function svgOf(chart: Chart): string {
  const xs = [...new Set(chart.curves.flatMap(({ points }) => points.map(([x]) => x)))].sort(
    (a, b) => a - b,
  );
  const top = niceTop(Math.max(...chart.curves.flatMap(({ points }) => points.map(([, y]) => y))));
  const scale = (x: number) => (chart.logarithmic ? Math.log10(x) : x);
  const [low, high] = [scale(xs[0] ?? 0), scale(xs.at(-1) ?? 1)];
  const xOf = (x: number) => LEFT + ((scale(x) - low) / (high - low || 1)) * (WIDTH - LEFT - RIGHT);
  const yOf = (y: number) => HEIGHT - BOTTOM - (y / top) * (HEIGHT - TOP - BOTTOM);
  const text = (x: number, y: number, anchor: string, content: string) =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = yOf(share * top);
    const line = `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#ccc"/>`;
    return line + text(LEFT - 8, y + 4, 'end', short(share * top));
  });
  const curves = chart.curves.map(({ name, points }, number) => {
    const colour = COLOURS[number % COLOURS.length];
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`);
    const dots = path.map(
      (point) =>
        `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="${colour}"/>`,
    );
    const key = `<rect x="${LEFT + 10 + number * 150}" y="${TOP - 14}" width="10" height="10" fill="${colour}"/>`;
    const line = `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    return line + dots.join('') + key + text(LEFT + 25 + number * 150, TOP - 5, 'start', name);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escapeXml(chart.title)}</title><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...grid,
    ...xs.map((x) => text(xOf(x), HEIGHT - BOTTOM + 18, 'middle', short(x))),
    ...curves,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, 'middle', chart.xTitle),
    text(10, 16, 'start', chart.yTitle),
    '</svg>',
  ].join('\n');
}

function niceTop(value: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return Math.ceil((value * 1.05) / step) * step;
}

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  return value >= 1e3
    ? `${Number((value / 1e3).toPrecision(3))} k`
    : String(Number(value.toPrecision(3)));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
