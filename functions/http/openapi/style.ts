/** The style sheet of the page: light and dark by the browser's setting, readable at a width of 320 px and in print. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1d2126; --soft: #59616b; --line: #dfe1dc; --shade: #f3f4f0; --link: #0b57a4; --mark: #fff3c4;
  --get: #0a6b4b; --post: #0b57a4; --patch: #8a4b00; --delete: #a8201a; --event: #6a2fa0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e4e6e3; --soft: #a0a8b0; --line: #30363c; --shade: #1c2125; --link: #86b8f5; --mark: #4a3d10;
    --get: #6fd0a8; --post: #86b8f5; --patch: #f0b060; --delete: #f59a94; --event: #c9a4f0;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.55 system-ui, sans-serif; background: var(--paper); color: var(--ink); scroll-padding-top: 1rem; }
body { margin: 0; }
a { color: var(--link); text-underline-offset: .15em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); z-index: 1; }
.layout { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 82rem; margin: 0 auto; }
nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 2rem 1.5rem; border-right: 1px solid var(--line); font-size: .875rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav > ul > li { margin-top: 1rem; }
nav > ul > li > a { font-weight: 650; color: var(--ink); }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav li li a { display: block; padding: .15rem 0; color: var(--soft); line-height: 1.35; }
nav li li a:hover { color: var(--ink); }
.name { font-size: 1.125rem; font-weight: 700; }
main { padding: 2rem 2.5rem 6rem; min-width: 0; }
main p { max-width: 46rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
section { margin-top: 4rem; padding-top: 1.5rem; border-top: 2px solid var(--ink); }
h2 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h3 { font-size: 1.125rem; line-height: 1.35; margin: 0; }
h4 { font-size: .8125rem; font-weight: 650; margin: 1.25rem 0 .25rem; color: var(--soft); }
.lead { font-size: 1.125rem; color: var(--soft); margin: .75rem 0 1.5rem; }
article { padding: 1.75rem 0 1.25rem; border-top: 1px solid var(--line); }
h2 + article, .about + article { border-top: 0; }
article p { margin: .5rem 0; }
code, pre, .type { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .875em; }
code { background: var(--shade); padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; font-size: .8125rem; max-width: 56rem; }
pre code { background: none; padding: 0; font-size: inherit; }
.route { margin: .35rem 0 .5rem; overflow-wrap: anywhere; }
.route code { background: none; padding: 0; font-size: .9375rem; }
.method { font-weight: 700; margin-right: .35rem; }
.get { color: var(--get); } .post { color: var(--post); } .patch, .put { color: var(--patch); } .delete { color: var(--delete); } .event { color: var(--event); }
.key { display: inline-block; margin-left: .5rem; padding: 0 .45rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--soft); font-size: .8125rem; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; max-width: 56rem; font-size: .875rem; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: .8125rem; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); }
td { padding: .4rem 1rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
tr:last-child td { border-bottom: 0; }
td:first-child { white-space: nowrap; }
td:first-child code, td:first-child b { font-weight: 600; background: none; padding: 0; }
.type { color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere; }
.fields { table-layout: fixed; }
.fields th:nth-child(1) { width: 25%; } .fields th:nth-child(2) { width: 29%; }
.fields td:first-child { white-space: normal; overflow-wrap: anywhere; }
.required, .optional { color: var(--delete); font-size: .75rem; margin-left: .35rem; white-space: nowrap; }
.optional { color: var(--soft); }
.responses th:first-child { width: 5.5rem; }
.limits { color: var(--soft); }
.in { padding: 0 .35rem; border: 1px solid var(--line); border-radius: 3px; font-family: system-ui, sans-serif; font-size: .75rem; }
.errors { list-style: none; margin: .25rem 0; padding: 0; font-size: .875rem; display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; color: var(--soft); max-width: 56rem; }
#failures { margin-top: 2.5rem; }
:target > h3, h2:target { background: linear-gradient(var(--mark), var(--mark)) no-repeat 0 100% / 100% 45%; width: fit-content; }
.index { list-style: none; padding: 0; margin: 1rem 0; font-size: .9375rem; }
.index li { display: grid; grid-template-columns: minmax(0, 26rem) 1fr; gap: 0 1.5rem; padding: .2rem 0; }
.index code { background: none; padding: 0; }
.index a { text-decoration: none; } .index a:hover { text-decoration: underline; }
.index li > span { color: var(--soft); }
@media (max-width: 60rem) {
  .layout { display: block; }
  nav { position: static; max-height: none; border-right: 0; border-bottom: 1px solid var(--line); padding: 1rem 1.25rem; }
  nav ul ul { display: none; }
  nav > ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-top: .5rem; }
  nav > ul > li { margin: 0; }
  nav > ul > li > a { font-weight: 500; color: var(--link); display: inline-block; padding: .2rem 0; }
  main { padding: 1.5rem 1.25rem 4rem; }
}
@media (max-width: 42rem) {
  h1 { font-size: 1.625rem; }
  .index li { display: block; padding: .4rem 0; }
  .index li > span { display: block; }
  thead { position: absolute; left: -999px; }
  table, tbody, tr, td { display: block; }
  td { border: 0; padding: 0; }
  td:first-child { white-space: normal; overflow-wrap: anywhere; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
}
@media print { nav, .skip { display: none; } .layout { display: block; } article { break-inside: avoid; } }
`;
