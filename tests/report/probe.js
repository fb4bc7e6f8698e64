// Put into a copy of the page: draws every figure, uses it as a reader would, and leaves what it saw in #seen as JSON.
(async () => {
  const seen = { errors: window.pageErrors, figures: 0, curves: 0, toggled: 0, hovered: 0, linked: false, wide: 0 };
  try {
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
    figures.forEach(draw);
    await new Promise((done) => setTimeout(done, 500));
    for (const plot of document.querySelectorAll(".plot")) {
      seen.figures += plot.querySelector(".main-svg") ? 1 : 0;
      seen.curves += plot.data.length;
      seen.wide = Math.max(seen.wide, plot.getBoundingClientRect().right);
    }
    const full = document.querySelector("#curves figure.full .plot");
    const entry = full.querySelector(".legendtoggle");
    for (const kind of ["mousedown", "mouseup"]) entry.dispatchEvent(new MouseEvent(kind, { bubbles: true, detail: 1 }));
    await new Promise((done) => setTimeout(done, 800));
    seen.toggled = full.data.filter((trace) => trace.visible === "legendonly").length;
    await Plotly.restyle(full, { visible: true });
    Plotly.Fx.hover(full, [{ curveNumber: 0, pointNumber: 50 }]);
    seen.hovered = full.querySelector(".hoverlayer").textContent;
    await Plotly.relayout(full, { "xaxis.range": [2, 4] });
    await new Promise((done) => setTimeout(done, 300));
    const others = [...document.querySelectorAll('figure[data-link="q"] .plot')].filter((plot) => plot !== full);
    seen.linked = others.length > 0 && others.every((plot) => plot.layout.xaxis.range[0] === 2);
    const plain = figures[0];
    seen.csv = csvOf(plain).split("\n").slice(0, 3);
    seen.pictures = [...document.images].filter((image) => image.complete && image.naturalWidth > 0).length;
    seen.overflow = document.documentElement.scrollWidth - window.innerWidth;
  } catch (error) {
    seen.errors.push(String(error && error.stack || error));
  }
  const left = document.createElement("pre");
  left.id = "seen";
  left.textContent = JSON.stringify(seen);
  document.body.append(left);
})();
