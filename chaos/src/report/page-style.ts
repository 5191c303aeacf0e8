/** The report's style sheet: light and dark by what the reader's system prefers, one column on a phone. */
export const pageStyle = `
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d2023;--dim:#5f666d;--line:#e1e3e5;--ground:#f3f4f5;--good:#1a7f4b;--goodground:#e7f5ec;--bad:#c22b2b;--badground:#fcebea;--open:#9a6700;--openground:#fdf4dc;--band:#9cc3ee;--median:#1f5fae;--max:#7d8894;--fault:#f2b760;--faultedge:#b86e00;--r0:#bcd9f7;--r1:#c9ead0;--r2:#e6d2f5;--r3:#fbdcc8;--r4:#d8e2e8;--gap:#d62f2f}
@media(prefers-color-scheme:dark){:root{--page:#131518;--card:#1b1e22;--ink:#e6e8ea;--dim:#9aa2aa;--line:#30353a;--ground:#22262b;--good:#5fd08f;--goodground:#15301f;--bad:#ff7b72;--badground:#3a1a1a;--open:#e3b341;--openground:#332a12;--band:#2f5784;--median:#79b4f5;--max:#8b96a1;--fault:#8a5a12;--faultedge:#f0a63c;--r0:#234a70;--r1:#23512f;--r2:#4a3263;--r3:#6a3d22;--r4:#3c474e;--gap:#ff5f56}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1160px;margin:0 auto;padding:20px}
h1{font-size:30px;line-height:1.2;margin:0}
h2{font-size:19px;margin:32px 0 10px}
h3{font-size:15px;margin:0 0 6px}
p{margin:6px 0}
a{color:var(--median)}
code,.mono{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{margin:6px 0;padding:10px 12px;background:var(--ground);border-radius:6px;white-space:pre-wrap}
.dim{color:var(--dim)}
.verdict{border-radius:10px;padding:20px 22px;border-left:8px solid}
.verdict p{margin:8px 0 0}
.good{background:var(--goodground);border-color:var(--good)}.good h1,.yes{color:var(--good)}
.bad{background:var(--badground);border-color:var(--bad)}.bad h1,.no{color:var(--bad)}
.open{background:var(--openground);border-color:var(--open)}.open h1,.maybe{color:var(--open)}
.yes,.no,.maybe{font-weight:600;white-space:nowrap}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(108px,1fr));gap:10px;margin:16px 0 0}
.fact{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.fact b{display:block;font-size:21px;line-height:1.3;font-weight:600}
.fact span{color:var(--dim);font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;margin:10px 0}
.card.wrong{border-left:5px solid var(--bad)}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--line);border-radius:8px}
th,td{text-align:left;vertical-align:top;padding:7px 12px;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--dim);font-weight:500;font-size:13px}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
ol.steps{margin:8px 0 0;padding:0;list-style:none}
ol.steps li{border-left:3px solid var(--line);padding:2px 0 8px 12px}
.kind{display:inline-block;min-width:28px;text-align:center;border-radius:4px;background:var(--ground);padding:0 6px;font-size:13px}
.picture svg{display:block;max-width:100%;height:auto}
.narrow{display:none}
details summary{cursor:pointer}
footer{margin:36px 0 12px;color:var(--dim);font-size:13px}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
svg .lane,svg .axis,svg .scale{fill:var(--dim)}svg .axis{text-anchor:middle}svg .scale{font-size:10px;paint-order:stroke;stroke:var(--ground);stroke-width:3px}
.ground{fill:var(--ground)}.fault{fill:var(--fault)}.edge{stroke:var(--faultedge);stroke-width:2}.label{pointer-events:none}
.r0{fill:var(--r0)}.r1{fill:var(--r1)}.r2{fill:var(--r2)}.r3{fill:var(--r3)}.r4{fill:var(--r4)}
.sign{fill:var(--dim)}.sign.primary{fill:var(--good)}.sign.route{fill:var(--median)}
.ok{fill:var(--band)}.not{fill:var(--open)}.band{fill:var(--band)}.median{fill:var(--median)}.max{fill:var(--max)}
.gap{fill:var(--gap);fill-opacity:.22;stroke:var(--gap);stroke-opacity:.7;stroke-width:.7}.tick,.grid{stroke:var(--line);fill:none}.grid{stroke:var(--dim);stroke-opacity:.25;stroke-dasharray:2 4}
@media(max-width:700px){main{padding:12px}.wide{display:none}.narrow{display:block}h1{font-size:24px}.facts{grid-template-columns:repeat(3,1fr)}.fact{padding:8px 10px}.fact b{font-size:18px}
table.stack thead{display:none}table.stack tr{display:block;border-top:1px solid var(--line);padding:8px 0}table.stack tr:first-child{border-top:0}table.stack td{display:flex;justify-content:space-between;gap:16px;border:0;padding:2px 12px;text-align:right;white-space:normal}table.stack td::before{content:attr(data-label);color:var(--dim);text-align:left;white-space:nowrap}table.stack td.whole{display:block;text-align:left}table.stack td.whole::before{content:none}}
`;
