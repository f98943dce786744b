// Draws the page's counts as curves; without this file its table says the same.

const at = document.getElementById("chart");
const given = JSON.parse(at.dataset.points);
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const zone = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Asia/Ho_Chi_Minh");
let drawn = null;

function draw() {
  drawn?.destroy();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { stroke: colour("--edge") }, font: "14px system-ui, sans-serif" };
  const curve = (name, shade, dash) => ({ label: at.dataset[name], stroke: colour(shade), width: 2, dash, points: { show: given.times.length < 60 } });
  const hour = (seconds) => uPlot.fmtDate("{HH}:{mm}")(zone(seconds));
  const day = (seconds) => uPlot.fmtDate("{DD}/{MM}")(zone(seconds));
  const short = given.times.at(-1) - given.times[0] < 2 * 86400;
  drawn = new uPlot({
    width: at.clientWidth,
    height: 300,
    tzDate: zone,
    axes: [{ ...axis, space: 70, values: (_, ticks) => ticks.map(short ? hour : day) }, { ...axis, size: 56 }],
    series: [
      { label: at.dataset.at, value: (_, seconds) => (seconds === null ? "–" : `${hour(seconds)} ${day(seconds)}`) },
      curve("scans", "--accent"), curve("passes", "--green", [8, 4]), curve("warns", "--amber", [2, 3]),
    ],
  }, [given.times, given.scans, given.passes, given.warns], at);
}

at.hidden = false;
draw();
addEventListener("resize", draw);
dark.addEventListener("change", draw);
