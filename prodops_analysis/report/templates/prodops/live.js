// Makes a drawing live when its reader asks for it; whatever goes wrong, the drawing stays.
(() => {
  const unpack = async (id) => {
    const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (sign) => sign.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  const make = (tag, settings, ...parts) => {
    const made = Object.assign(document.createElement(tag), settings);
    made.append(...parts);
    return made;
  };

  let loaded;
  const load = async () => {
    const script = document.createElement("script");
    script.textContent = await unpack("live.code"); // the policy of the page knows this text by its hash
    document.head.append(script);
    document.querySelector("main").append(make("div", { id: "live.tip" })); // in the text, not after the page's end
    return JSON.parse(await unpack("live.charts"));
  };

  const control = (text, act) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", act);
    return button;
  };

  // Show from one part of the visible width to another: 0.25 to 0.75 is the middle half. Never more than the whole.
  const zoomer = (view, signal) => {
    const whole = view.scale("x").domain().map(Number);
    return (from, to) => () => {
      const scale = view.scale("x").copy().clamp(false);
      const [left, right] = scale.range();
      const seen = [from, to].map((part) => Number(scale.invert(left + part * (right - left))));
      view.signal(signal, [Math.max(seen[0], whole[0]), Math.min(seen[1], whole[1])]).runAsync();
    };
  };

  // Names and values as plain text; Vega's own table would take a field called image or title for more than that.
  const told = (value, clean) => {
    const row = ([name, part]) => `<tr><td class="key">${clean(name)}</td><td>${clean(part)}</td></tr>`;
    return typeof value === "object" ? `<table>${Object.entries(value).map(row).join("")}</table>` : clean(value);
  };

  const draw = async (drawing) => {
    const { data, charts } = await (loaded ??= load());
    const { datasets, wide, narrow } = charts[drawing.parentNode.id];
    const spec = matchMedia("(max-width: 40rem)").matches ? narrow : wide;
    spec.datasets = Object.fromEntries(Object.entries(datasets).map(([name, number]) => [name, data[number]]));
    const seen = [...drawing.children].map((svg) => svg.getBoundingClientRect().width);
    if (typeof spec.width === "number") spec.width = Math.floor(Math.max(...seen));
    const picture = make("div", { className: drawing.className, role: "img", ariaLabel: drawing.ariaLabel });
    const controls = make("div", { className: "controls" });
    const { view } = await vegaEmbed(picture, spec, {
      mode: "vega-lite", renderer: "svg", ast: true, actions: false, defaultStyle: false, bind: controls,
      logLevel: 1, // errors only
      tooltip: { disableDefaultStyle: true, id: "live.tip", formatTooltip: told },
    });
    picture.querySelector("svg").setAttribute("aria-hidden", "true"); // the words around it speak for all its marks
    if (spec.usermeta.zoom) {
      const zoom = zoomer(view, spec.usermeta.zoom);
      controls.append(
        control("Zoom in", zoom(0.25, 0.75)),
        control("Zoom out", zoom(-0.5, 1.5)),
        control("Whole range", () => view.signal(spec.usermeta.zoom, null).runAsync()),
      );
    }
    return make("div", { className: "live" }, picture, controls);
  };

  for (const button of document.querySelectorAll("button.explore")) {
    const figure = button.parentNode;
    const drawing = figure.querySelector(".drawing");
    const said = figure.querySelector("[role=status]");
    let live;
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        if (!live) drawing.after((live = await draw(drawing)));
        else live.hidden = !live.hidden;
        figure.classList.toggle("explored", !live.hidden);
        button.textContent = live.hidden ? "Explore this chart" : "Back to the drawing";
        said.textContent = live.hidden ? "" : "Point at a mark to read it. Drag to move along the axis.";
      } catch (error) {
        said.textContent = `This browser cannot make the chart live; the drawing stays (${error.message}).`;
      }
      button.disabled = false;
      button.focus();
    });
  }
})();
