"""The report's only style sheet: light and dark, phone and paper; nothing is loaded."""

CSS = """
:root {
  --ground: #ffffff; --text: #1c1c1e; --soft: #5b5f66; --line: #d5d8dd; --panel: #f5f6f8;
  --published: #0b5c92; --published-ground: #e8f2fa; --ours: #a84300; --ours-ground: #fdf0e6;
  --c0: #0072b2; --c1: #d55e00; --c2: #00845f; --c3: #b8528f; --c4: #a87400; --c5: #2b86c5;
  --c6: #333333; --wrong: #b3261e; --right: #1f7a3d;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171a; --text: #e8e9eb; --soft: #a6abb3; --line: #3a3f46; --panel: #1e2125;
    --published: #7cc0f0; --published-ground: #14293a; --ours: #ffad70; --ours-ground: #38220f;
    --c0: #58b1e8; --c1: #ff8a3d; --c2: #2fc79a; --c3: #e59ac6; --c4: #eab544; --c5: #8fd0f7;
    --c6: #dddddd; --wrong: #ff8f86; --right: #7bd79a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 78rem; background: var(--ground);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
p, .legend { max-width: 46rem; }
small, .soft { color: var(--soft); font-size: .85em; }
a { color: var(--published); }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: 0; }
.key { display: inline-block; padding: .1rem .5rem; border-radius: .3rem; font-weight: 600; }
.published { color: var(--published); background: var(--published-ground); }
.ours { color: var(--ours); background: var(--ours-ground); }
.none { color: var(--soft); background: none; font-weight: 400; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .5rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; }
caption { max-width: 46rem; text-align: left; color: var(--soft); padding-bottom: .5rem; }
.comparison { width: 100%; }
.comparison .group th { padding-top: 1rem; color: var(--soft); font-weight: 600; }
.comparison .figure-cell { font-weight: 700; white-space: nowrap; }
.scroll { overflow-x: auto; margin-top: .8rem; }
.scroll:focus-visible { outline: 2px solid var(--published); }
.picture { background: #fff; border-radius: .4rem; }
.picture img { display: block; width: 100%; min-width: 44rem; height: auto; }
.panels { display: grid; gap: 1rem; align-items: end; max-width: 60rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); }
figure { margin: 0; }
figcaption { font-size: .875rem; }
svg.figure { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .curve { fill: none; stroke-width: 2; }
svg .dot { stroke: none; opacity: .75; }
svg .mean { stroke: var(--text); stroke-width: 2; }
.swatch { width: 34px; height: 10px; }
.legend { list-style: none; padding: 0; font-size: .875rem; }
.curve.c0 { stroke: var(--c0); } .curve.c1 { stroke: var(--c1); } .curve.c2 { stroke: var(--c2); }
.curve.c3 { stroke: var(--c3); } .curve.c4 { stroke: var(--c4); } .curve.c5 { stroke: var(--c5); }
.curve.c6 { stroke: var(--c6); }
.dot.c0 { fill: var(--c0); } .dot.c1 { fill: var(--c1); } .dot.c2 { fill: var(--c2); }
.dot.c3 { fill: var(--c3); } .dot.c4 { fill: var(--c4); } .dot.c5 { fill: var(--c5); }
.dot.c6 { fill: var(--c6); }
code, pre { font: .8125rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--panel); padding: .6rem; border-radius: .4rem; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .8rem;
  font-size: .875rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.errors { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
.errors figure { min-width: 0; background: var(--panel); border-radius: .4rem; padding: .6rem; }
.faces { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; }
.faces img { width: 100%; height: auto; display: block; border-radius: .2rem; }
.errors table { width: 100%; font-size: .8rem; }
.errors th, .errors td { padding: .2rem .25rem; }
.errors td:not(:first-child), .errors th:not(:first-child) { text-align: right; }
.wrong { color: var(--wrong); } .right { color: var(--right); }
@media screen and (max-width: 75rem) {
  .comparison thead { display: none; }
  .comparison, .comparison caption, .comparison tbody, .comparison tr,
  .comparison th, .comparison td { display: block; }
  .comparison tr { border-bottom: 2px solid var(--line); padding: .5rem 0; }
  .comparison th, .comparison td { border: 0; padding: .15rem .5rem; }
  .comparison td[data-label] { display: grid; gap: .5rem;
    grid-template-columns: 9rem minmax(0, 1fr); }
  .comparison td[data-label]::before { content: attr(data-label); color: var(--soft);
    font-weight: 400; }
  .comparison td.empty { display: none; }
  .comparison .figure-cell { white-space: normal; }
}
@media (max-width: 40rem) {
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .4rem; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  :root {
    --ground: #fff; --text: #000; --soft: #444; --line: #bbb; --panel: #fff;
    --published: #0b5c92; --published-ground: #fff; --ours: #a84300; --ours-ground: #fff;
    --c0: #0072b2; --c1: #d55e00; --c2: #00845f; --c3: #b8528f; --c4: #a87400; --c5: #2b86c5;
    --c6: #333;
  }
  body { font-size: 10pt; max-width: none; padding: 0; }
  nav { display: none; }
  table { font-size: 7.5pt; }
  .scroll { overflow: visible; }
  .picture img { min-width: 0; max-width: 24cm; }
  .errors { gap: .3cm; grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .faces { grid-template-columns: repeat(2, 2.6cm); }
  .errors table { font-size: 6.5pt; }
  .errors th, .errors td { padding: .05rem .25rem; }
  tr, figure, dl, p, .panels, .legend { break-inside: avoid; }
  h2, h3, .group, section > p, .legend { break-after: avoid; }
}
"""
