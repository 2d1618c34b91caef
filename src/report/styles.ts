import { type Markup, markup } from './markup.ts'

/**
 * The styles of every page. The colours of pictures are those of Okabe and Ito (2008), which the colour-blind
 * tell apart; on dark ground, lighter ones of the same hues.
 */
export const STYLES: Markup = markup`:root {
  --ground: #f6f6f3; --card: #ffffff; --ink: #1b1f23; --quiet: #57606a; --rule: #d9dbd6; --grid: #e6e7e3;
  --s1: #0072b2; --s2: #d55e00; --s3: #009e73; --s4: #a8508a;
  --good: #00674b; --good-ground: #e0f3ec; --fair: #6b4c00; --fair-ground: #fdf1cf;
  --poor: #9a3400; --poor-ground: #fde7da; --plain: #434b54; --plain-ground: #ebecea;
}
@media screen and (prefers-color-scheme: dark) { :root {
  --ground: #121518; --card: #1a1e23; --ink: #e8eaed; --quiet: #a3acb6; --rule: #343b43; --grid: #2b3138;
  --s1: #56b4e9; --s2: #f0883e; --s3: #3cc79a; --s4: #dd9ac4;
  --good: #7fdcbd; --good-ground: #11352b; --fair: #f2cf73; --fair-ground: #3a2f10;
  --poor: #ffb38a; --poor-ground: #43220f; --plain: #c3cad1; --plain-ground: #2a3037;
} }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1280px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 36px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; margin: 0 0 10px; }
h2 { font-size: 21px; line-height: 1.3; margin: 44px 0 12px; padding-top: 14px; border-top: 2px solid var(--ink); }
h3 { font-size: 16px; line-height: 1.35; margin: 0; }
p { margin: 0 0 10px; max-width: 72ch; }
a { color: var(--s1); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--s1); outline-offset: 2px; border-radius: 2px; }
code { font: 0.9em ui-monospace, SFMono-Regular, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--plain-ground); padding: 1px 4px; border-radius: 3px; }
.lead { font-size: 17px; } .quiet { color: var(--quiet); font-size: 14px; }
nav ul { list-style: none; margin: 16px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 14px; }
nav a { display: inline-block; padding: 3px 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 16px; margin: 0 0 16px; } .tile { flex: 1 1 300px; } .four .tile { flex-basis: 240px; }
.cards { display: grid; gap: 16px; margin: 0 0 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 372px), 1fr)); }
.cards.one { max-width: 640px; }
.cards.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); }
.tile, .card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 16px; margin: 0; min-width: 0; }
.tile dt { color: var(--quiet); font-size: 14px; } .tile dd { margin: 0; }
.tile strong { font-size: 27px; line-height: 1.25; font-weight: 650; margin-right: 6px; font-variant-numeric: tabular-nums; }
.tile p { font-size: 14px; line-height: 1.45; margin: 6px 0 0; color: var(--quiet); }
.verdict { font-size: 14.5px; margin: 8px 0 0; }
.reading { font-size: 13.5px; line-height: 1.45; color: var(--quiet); margin: 8px 0 0; }
.badge { display: inline-block; font-size: 12.5px; line-height: 1.35; font-weight: 650; padding: 2px 8px 2px 7px; border-radius: 10px;
  vertical-align: 0.08em; }
.good { color: var(--good); background: var(--good-ground); } .fair { color: var(--fair); background: var(--fair-ground); }
.poor { color: var(--poor); background: var(--poor-ground); } .plain { color: var(--plain); background: var(--plain-ground); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 12px 0 0; padding: 0; font-size: 13.5px; }
.legend svg { width: 28px; height: 12px; vertical-align: -1px; }
.picture { display: block; width: 100%; max-width: 440px; height: auto; margin: 10px auto 0; overflow: visible; }
.picture text { font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; fill: var(--quiet); }
.picture .row { fill: var(--ink); } .picture .value { font-variant-numeric: tabular-nums; font-weight: 600; }
.picture .note { fill: var(--ink); font-size: 12px; paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.grid { stroke: var(--grid); stroke-width: 1; fill: none; } .axis { stroke: var(--quiet); stroke-width: 1; fill: none; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.line.s1 { stroke: var(--s1); } .line.s2 { stroke: var(--s2); stroke-dasharray: 7 4; }
.line.s3 { stroke: var(--s3); stroke-dasharray: 2 4; } .line.s4 { stroke: var(--s4); stroke-dasharray: 9 4 2 4; }
.marker { stroke: var(--card); stroke-width: 1; }
.marker.s1, .bar.s1 { fill: var(--s1); } .marker.s2, .bar.s2 { fill: var(--s2); }
.marker.s3, .bar.s3 { fill: var(--s3); } .marker.s4, .bar.s4 { fill: var(--s4); }
.whisker { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.whisker.s1 { stroke: var(--s1); } .whisker.s2 { stroke: var(--s2); } .whisker.s3 { stroke: var(--s3); } .whisker.s4 { stroke: var(--s4); }
.guide { fill: none; stroke: var(--quiet); stroke-width: 1.3; stroke-dasharray: 4 3; }
.guide.s1 { stroke: var(--s1); } .guide.s2 { stroke: var(--s2); } .guide.s3 { stroke: var(--s3); } .guide.s4 { stroke: var(--s4); }
.area { stroke-width: 1.8; fill-opacity: 0.16; stroke-linejoin: round; }
.area.s1 { stroke: var(--s1); fill: var(--s1); } .area.s2 { stroke: var(--s2); fill: var(--s2); stroke-dasharray: 6 3; }
details { margin: 12px 0 0; font-size: 14px; } summary { cursor: pointer; color: var(--s1); width: fit-content; padding: 4px 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4; margin: 4px 0 0; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: 6px 14px 6px 0; vertical-align: top; text-align: right; border-bottom: 1px solid var(--rule); }
th { color: var(--quiet); font-weight: 600; } td.figure { font-variant-numeric: tabular-nums; }
th.text, td.text { text-align: left; } th:last-child, td:last-child { padding-right: 0; }
.card table { font-size: 13px; } .card th, .card td { padding: 4px 8px 4px 0; }
.panel { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 16px; margin: 0 0 16px; }
section > .verdict { margin: 0 0 12px; } .panel.narrow { max-width: 760px; }
pre.panel { overflow-wrap: anywhere; white-space: pre-wrap; font: 13px/1.45 ui-monospace, SFMono-Regular, Consolas, "DejaVu Sans Mono", monospace; }
.panel tr:last-child td { border-bottom: 0; }
footer { color: var(--quiet); font-size: 13.5px; padding: 36px 24px 48px; }
@media (max-width: 640px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; } header { padding-top: 24px; }
  h1 { font-size: 25px; } h2 { font-size: 19px; margin-top: 32px; } .tile, .card { padding: 14px 12px; }
  .picture text { font-size: 13.5px; } .picture .note { font-size: 13px; }
  .wide, .wide thead, .wide tbody, .wide tr, .wide td { display: block; }
  .wide thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .wide tr { padding: 8px 0; border-bottom: 1px solid var(--rule); } .wide tr:last-child { border-bottom: 0; }
  .wide td, .card .wide td { display: flex; justify-content: space-between; gap: 16px; padding: 2px 0; border: 0; }
  .wide td::before { content: attr(data-head); color: var(--quiet); flex: 0 0 auto; max-width: 50%; }
  .wide td span { text-align: right; min-width: 0; } .wide td:empty { display: none; } .wide td[data-head=""]::before { content: none; }
  .wide td:first-child { font-weight: 650; } th, td { padding-right: 10px; }
}
@media print {
  :root { --ground: #ffffff; --card: #ffffff; } body { font-size: 11pt; } nav, summary { display: none; }
  .card, .tile, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } details { display: none; }
  header, main, footer { padding-left: 0; padding-right: 0; }
}
`
