// What only the workbench looks like; everything else is the shared style sheet's.

const WORKBENCH_STYLE = `
.lp { --lp-div-0: light-dark(#073763, #a8d8ff); --lp-div-1: light-dark(#3f8cc6, #2f7fc0); --lp-div-2: light-dark(#cfe2f2, #1f3145);
  --lp-div-3: light-dark(#f6f6f4, #20252d); --lp-div-4: light-dark(#f8dcc4, #44301f); --lp-div-5: light-dark(#d9762b, #c4661f);
  --lp-div-6: light-dark(#7a2e00, #ffc794); }
.lp-wb-bar { grid-template-columns: minmax(0, 1.6fr) minmax(0, 1fr) auto minmax(110px, 0.7fr); }
@container (max-width: 720px) { .lp-wb-bar { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); } }
.lp-wb { display: grid; gap: 22px 28px; margin-top: 16px; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); }
@container (min-width: 820px) { .lp-wb-alone { grid-template-columns: minmax(0, 1.4fr) minmax(0, 0.75fr) minmax(0, 1.4fr); } }
.lp-wb-pick { display: grid; grid-template-columns: minmax(0, 1.4fr) minmax(0, 1fr); gap: 8px 12px; margin-bottom: 12px; }
.lp-wb-side { display: grid; gap: 12px; align-content: start; }
.lp .lp-wb-why { padding: 10px 14px; border-left: 3px solid var(--lp-control); background: var(--lp-panel); border-radius: 0 6px 6px 0; overflow-wrap: anywhere; }
.lp .lp-wb-read { min-height: 21px; color: var(--lp-ink); font-size: 13px; overflow-wrap: anywhere; }
.lp .lp-wb-said { color: var(--lp-soft); overflow-wrap: anywhere; }
.lp .lp-wb-how { color: var(--lp-soft); font-size: 12.5px; }
.lp-wb-words { display: flex; flex-wrap: wrap; gap: 4px 3px; }
.lp .lp-wb-words button { height: auto; min-height: 44px; min-width: 24px; padding: 2px 4px; border: 1px solid transparent; border-radius: 6px;
  background: none; display: grid; justify-items: center; align-content: center; gap: 2px; line-height: 1.25; }
.lp-wb-words b { padding: 1px 6px; border-radius: 4px; border: 1px solid var(--lp-edge); font-weight: 500; font-size: 15px; overflow-wrap: anywhere; }
.lp-wb-words small { color: var(--lp-soft); font-size: 11px; }
.lp .lp-wb-words button:hover, .lp .lp-wb-words button.lp-lit { border-color: var(--lp-accent); }
.lp-wb-many b { font-size: 13px; padding: 0 4px; }
.lp .lp-wb-many button { min-height: 36px; padding: 1px 2px; }
.lp-wb-graph { height: 340px; }
.lp-wb-graph svg:focus-visible { outline-offset: -2px; }
.lp-wb-graph text { font-size: 11px; fill: var(--lp-ink); paint-order: stroke; stroke: var(--lp-bg); stroke-width: 3px; text-anchor: middle; pointer-events: none; }
.lp-wb-node { stroke: var(--lp-control); stroke-width: 1; }
.lp-wb-lit { stroke: var(--lp-accent) !important; stroke-width: 3; }
.lp-wb-under { stroke: var(--lp-edge); }
.lp-wb-goal { fill: none; stroke: var(--lp-new); stroke-width: 2.5; }
.lp-wb-rows { display: grid; gap: 2px; }
.lp .lp-wb-rows dt { color: var(--lp-ink); font-size: 12.5px; }
.lp-wb-row { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 12px; align-items: end; font-size: 12.5px; margin-bottom: 4px; }
.lp-wb-row svg { width: 100%; height: 16px; overflow: visible; grid-column: 1 / -1; }
.lp-wb-row output { text-align: right; font-weight: 600; }
.lp-wb-row output small { color: var(--lp-soft); font-weight: 400; font-size: 11.5px; margin-left: 6px; }
.lp-wb-checks { display: grid; gap: 16px 28px; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); margin-top: 18px;
  padding-top: 16px; border-top: 1px solid var(--lp-edge); align-items: start; }
.lp-wb-range { stroke: var(--lp-tone); stroke-width: 6; opacity: 0.4; stroke-linecap: butt; }
.lp-line.lp-code-1 { fill: none; }
.lp-swatch.lp-code-1 { background: var(--lp-code-1); }
.lp-wb-beside { display: grid; gap: 14px; }
.lp-wb-beside canvas { width: 100%; height: auto; border-radius: 8px; background: none; display: block; }
.lp .lp-wb-beside figcaption { color: var(--lp-soft); font-size: 12.5px; margin-bottom: 4px; }
`;
