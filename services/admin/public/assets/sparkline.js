const WIDTH = 120;
const HEIGHT = 32;

/** Paths of a line and the area under it for a series, oldest first; the highest value touches the top. */
export function sparkPaths(series) {
  if (series.length < 2) return { line: '', area: '' };
  const top = Math.max(1, ...series);
  const points = series.map((value, at) => {
    const x = (at * WIDTH) / (series.length - 1);
    const y = HEIGHT - 1 - (value * (HEIGHT - 3)) / top;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const line = `M${points.join('L')}`;
  return { line, area: `${line}L${WIDTH},${HEIGHT}L0,${HEIGHT}Z` };
}

/** Draws a series into the page's sparkline. */
export function drawSparkline(svg, series, label) {
  const { line, area } = sparkPaths(series);
  svg.querySelector('.line').setAttribute('d', line);
  svg.querySelector('.area').setAttribute('d', area);
  svg.querySelector('title').textContent = label;
}
