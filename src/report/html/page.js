"use strict";
// Draws each figure when it comes into view, keeps linked ranges alike, saves figures and their data.
const root = document.documentElement;
const dark = () => root.dataset.theme === "dark";
root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

function layoutOf(layout) {
  const [text, grid] = dark() ? ["#e6e9ec", "#39424b"] : ["#1c2126", "#e3e7eb"];
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: text, ticks: "outside", tickcolor: text, automargin: true };
  return {
    ...layout,
    xaxis: { ...axis, ...layout.xaxis },
    // A title without a distance of its own stands on long numbers.
    yaxis: { ...axis, ...layout.yaxis, title: { ...layout.yaxis?.title, standoff: 8 } },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, family: "system-ui, sans-serif", size: 12 },
    margin: { t: 10, r: 10, b: 44, l: 56 },
    hovermode: "closest",
    legend: { bgcolor: "rgba(0,0,0,0)", font: { size: 11 }, y: 0.92 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: grid, activecolor: text },
    showlegend: true,
  };
}

const drawn = new Set();
function draw(figure) {
  const plot = figure.querySelector(".plot");
  const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
  const small = figure.classList.contains("third");
  const shown = layoutOf(layout);
  shown.showlegend = !small && data.some((trace) => trace.name);
  if (!figure.classList.contains("full")) shown.legend.orientation = "h", shown.legend.y = -0.25;
  Plotly.react(plot, data, shown, { responsive: true, displaylogo: false, displayModeBar: "hover" });
  if (!drawn.has(figure)) {
    drawn.add(figure);
    if (figure.dataset.link) plot.on("plotly_relayout", (change) => follow(figure, change));
  }
}

// A change of x in one figure is one in all figures of its kind.
let following = false;
function follow(from, change) {
  if (following) return;
  const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
  const update = change["xaxis.autorange"] ? { "xaxis.autorange": true } : range[0] === undefined ? null : { "xaxis.range": range };
  if (!update) return;
  following = true;
  const others = [...drawn].filter((other) => other !== from && other.dataset.link === from.dataset.link);
  Promise.all(others.map((other) => Plotly.relayout(other.querySelector(".plot"), { ...update }))).finally(() => { following = false; });
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }
}, { rootMargin: "600px" });
const figures = [...document.querySelectorAll("figure:not(.picture)")];
figures.forEach((figure) => seen.observe(figure));
addEventListener("beforeprint", () => figures.filter((figure) => figure.offsetParent).forEach(draw));

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  drawn.forEach(draw);
});

function csvOf(figure) {
  const { data } = JSON.parse(figure.querySelector("script").textContent);
  const cell = (text) => (/[",\n]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : text);
  const rows = [["curve", "x", "y", "sigma"].join()];
  for (const trace of data) {
    if (trace.type === "heatmap") {
      trace.z.forEach((line, row) => line.forEach((z, column) => rows.push([cell(trace.y[row]), trace.x[column], z, ""].join())));
    } else {
      trace.x.forEach((x, i) => rows.push([cell(trace.name || ""), cell(x), trace.y[i], trace.error_y?.array?.[i] ?? ""].join()));
    }
  }
  return rows.join("\n") + "\n";
}

document.addEventListener("click", async (event) => {
  const format = event.target.dataset?.save;
  if (!format) return;
  const figure = event.target.closest("figure");
  const name = figure.querySelector("figcaption").firstChild.textContent.replace(/[^\p{L}\p{N}]+/gu, "_");
  if (!drawn.has(figure)) draw(figure);
  if (format !== "csv") {
    await Plotly.downloadImage(figure.querySelector(".plot"), { format, filename: name, width: 1200, height: 700, scale: format === "png" ? 2 : 1 });
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csvOf(figure)], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
});
