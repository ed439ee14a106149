// Writes what the console's pages load that is not ours, into pipeline/console/static,
// pipeline/views/static and pipeline/views/countries.json: the chart library as it is published, a map of the world drawn
// from Natural Earth (public domain), and the names of its countries. `vendored.json` says what each
// file came from. Run by `deploy/console/fetch`; what it writes is committed, so that a wheel and a
// bare machine need no Node.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { geoCentroid, geoNaturalEarth1, geoPath } from "d3-geo";
import countries from "i18n-iso-countries";
import { feature } from "topojson-client";
import { presimplify, simplify } from "topojson-simplify";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const rooms = join(here, "../../pipeline");
const vendor = join(rooms, "console/static/vendor");
mkdirSync(vendor, { recursive: true });

const [WIDE, HIGH] = [2000, 960];
const DETAIL = 0.06; // square degrees: what a triangle of a coast must span to be kept
const UNRECOGNISED = { Kosovo: "XK", "N. Cyprus": "CY", Somaliland: "SO" }; // no number in ISO 3166
const LEFT_OUT = new Set(["AQ"]); // the ice would take a fifth of the picture

const read = (name) => JSON.parse(readFileSync(require.resolve(name), "utf8"));
const codeOf = (shape) =>
  UNRECOGNISED[shape.properties.name] ?? countries.numericToAlpha2(String(shape.id).padStart(3, "0"));

function shapesOf(name, detail) {
  let world = read(name);
  if (detail) world = simplify(presimplify(world), detail);
  return feature(world, world.objects.countries).features;
}

const coarse = shapesOf("world-atlas/countries-110m.json", DETAIL);
const fine = shapesOf("world-atlas/countries-50m.json", 0);
const shown = { type: "FeatureCollection", features: coarse.filter((s) => !LEFT_OUT.has(codeOf(s))) };
const projection = geoNaturalEarth1().fitExtent([[2, 2], [WIDE - 2, HIGH - 2]], shown);
const path = geoPath(projection).digits(0);

// d3 writes absolute corners; the steps between them are shorter, and pack better.
function stepped(absolute) {
  return absolute.replace(/M[^MZ]*Z?/g, (ring) => {
    const corners = [...ring.matchAll(/(-?\d+),(-?\d+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
    let [x, y] = corners[0];
    let out = `M${x} ${y}l`;
    for (const [nextX, nextY] of corners.slice(1)) {
      if (nextX === x && nextY === y) continue;
      const [dx, dy] = [nextX - x, nextY - y];
      out += `${dx < 0 || out.endsWith("l") ? "" : " "}${dx}${dy < 0 ? "" : " "}${dy}`;
      [x, y] = [nextX, nextY];
    }
    return out.endsWith("l") ? "" : `${out}z`;
  });
}

const drawn = new Map();
for (const shape of shown.features) {
  const code = codeOf(shape);
  const line = code && stepped(path(shape) ?? "");
  if (line) drawn.set(code, (drawn.get(code) ?? "") + line);
}
// Countries too small for this scale are dots, where they lie.
const dots = new Map();
for (const shape of fine) {
  const code = codeOf(shape);
  if (!code || drawn.has(code) || LEFT_OUT.has(code)) continue;
  dots.set(code, projection(geoCentroid(shape)).map(Math.round));
}
const symbols = [
  ...[...drawn].map(([code, line]) => `<path id="${code}" d="${line}"/>`),
  ...[...dots].map(([code, [x, y]]) => `<circle id="${code}" cx="${x}" cy="${y}" r="7"/>`),
];
const all = [...drawn.keys()].map((code) => `<use href="#${code}"/>`).join("");
writeFileSync(
  join(rooms, "views/static/world.svg"),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDE} ${HIGH}"><defs>${symbols.join("\n")}\n` +
    `<g id="land">${all}</g></defs><use href="#land"/></svg>\n`,
);

const names = countries.getNames("en", { select: "alias" });
const official = countries.getNames("en", { select: "official" });
const told = Object.keys(official).sort().map((code) => {
  const short = names[code] ?? official[code];
  return [code, short.length > 3 ? short : official[code]];
});
writeFileSync(
  join(rooms, "views/countries.json"),
  `${JSON.stringify({ names: Object.fromEntries(told), drawn: [...drawn.keys(), ...dots.keys()].sort() }, null, 1)}\n`,
);

const copied = { "uPlot.iife.min.js": "uplot.js", "uPlot.min.css": "uplot.css" };
for (const [from, to] of Object.entries(copied)) {
  writeFileSync(join(vendor, to), readFileSync(require.resolve(`uplot/dist/${from}`)));
}
const version = (name) => JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"))).version;
const digest = (file) => createHash("sha256").update(readFileSync(join(rooms, file))).digest("hex");
const made = (file, name, licence) => [file, { from: `${name} ${version(name)}`, licence, sha256: digest(file) }];
writeFileSync(
  join(rooms, "console/vendored.json"),
  `${JSON.stringify(
    Object.fromEntries([
      made("console/static/vendor/uplot.js", "uplot", "MIT, (c) Leon Sorokin"),
      made("console/static/vendor/uplot.css", "uplot", "MIT, (c) Leon Sorokin"),
      made("views/static/world.svg", "world-atlas", "Natural Earth, public domain; its TopoJSON: ISC, (c) Michael Bostock"),
      made("views/countries.json", "i18n-iso-countries", "MIT, (c) Michael Wittig"),
    ]),
    null,
    1,
  )}\n`,
);
