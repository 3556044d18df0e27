/// The look of a report: one style sheet for light, dark, narrow windows and paper; the few lines
/// of script that show values under the pointer; the logo.
///
/// The colours of curves are those of Okabe and Ito (2008), which colour-blind readers tell apart,
/// darkened for white and lightened for black to a contrast of at least 3 to 1.
enum PageStyle {
    /// Of curves on white.
    static let curveColors = ["#0072b2", "#c65100", "#00805b", "#a8558a", "#a87400", "#2b86bd"]

    /// Declarations of CSS, such as `--c0:#0072b2`.
    private static func variables(_ colors: [String]) -> HTML {
        HTML(markup: colors.enumerated().map { "--c\($0):\($1)" }.joined(separator: ";"))
    }

    static let css: HTML = """
        :root{color-scheme:light dark;
        --page:#f7f7f5;--panel:#fff;--line:#e4e4e0;--text:#1b1c1e;--muted:#666a70;--faint:#f0f0ed;
        --accent:#0b6e69;--better:#0a7a4b;--worse:#b3261e;--shadow:0 1px 2px #0000000d;
        \(variables(curveColors))}
        @media (prefers-color-scheme:dark){:root{
        --page:#121417;--panel:#1a1d21;--line:#2d3238;--text:#e8e9eb;--muted:#9aa1a9;--faint:#22262b;
        --accent:#5ecdc4;--better:#5fd39b;--worse:#ff8a80;--shadow:none;
        --c0:#5ab4f0;--c1:#ff8f50;--c2:#3fcf9f;--c3:#e59ac6;--c4:#f0b840;--c5:#8fd0f5}}
        *{box-sizing:border-box}
        html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--page);color:var(--text);line-height:1.55;
        font:16px/1.55 Inter,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
        font-variant-numeric:tabular-nums}
        header,main,footer{max-width:72rem;margin:0 auto;padding:0 1.5rem}
        header{padding-top:2.5rem}
        .brand{display:flex;align-items:center;gap:.5rem;color:var(--muted);font-size:.8rem;
        font-weight:600;letter-spacing:.08em;text-transform:uppercase}
        .brand svg{width:1.5rem;height:1.5rem}
        h1{margin:.6rem 0 0;font-size:clamp(1.7rem,4.5vw,2.6rem);line-height:1.15;
        letter-spacing:-.02em;overflow-wrap:anywhere}
        .subtitle{margin:.4rem 0 0;color:var(--muted);font-size:1.08rem}
        .cards{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.75rem 0 0}
        .card,.chart,.sample,table,.facts,details{background:var(--panel);
        border:1px solid var(--line);border-radius:.7rem;box-shadow:var(--shadow)}
        .card{flex:1 1 10.5rem;max-width:18rem;padding:.85rem 1rem}
        .card dt{color:var(--muted);font-size:.82rem}
        dd{margin:0}
        .card .value{font-size:1.75rem;font-weight:650;line-height:1.25;letter-spacing:-.02em}
        .card .value small{margin-left:.2rem;color:var(--muted);font-size:.9rem;font-weight:500}
        .remark{margin-top:.15rem;font-size:.8rem;color:var(--muted)}
        .better{color:var(--better)}.worse{color:var(--worse)}.muted,.neutral{color:var(--muted)}
        nav{position:sticky;top:0;z-index:2;display:flex;gap:.25rem;overflow-x:auto;
        max-width:72rem;margin:1.5rem auto 0;padding:.5rem .9rem;background:var(--page);
        border-bottom:1px solid var(--line);scrollbar-width:none}
        nav a{flex:none;padding:.3rem .65rem;border-radius:.45rem;color:var(--muted);
        font-size:.88rem;font-weight:550;text-decoration:none}
        nav a:hover,nav a:focus-visible{background:var(--faint);color:var(--text)}
        section{margin-top:2.5rem}
        h2{margin:0 0 .25rem;font-size:1.35rem;letter-spacing:-.01em}
        h3{margin:0;font-size:.95rem;font-weight:600}
        h3 small{margin-left:.3rem;color:var(--muted);font-weight:400}
        .lead{margin:0 0 1rem;max-width:46rem;color:var(--muted)}
        h2+:not(.lead){margin-top:.9rem}
        section>*+*{margin-top:1rem}section>.lead{margin-top:0}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));
        gap:1rem}
        .pair>.chart:only-child{max-width:36rem}
        .chart{margin:0;padding:.9rem 1rem .6rem;min-width:0}
        .chart figcaption{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;
        justify-content:space-between;margin-bottom:.4rem}
        .chart svg{display:block;width:100%;height:auto;overflow:visible;
        touch-action:pan-y;font-size:12px}
        .tick{fill:var(--muted)}.label{fill:var(--muted);font-size:12px}
        .grid{stroke:var(--line);fill:none}.axis{stroke:var(--muted);fill:none;opacity:.55}
        .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        .raw{fill:none;stroke-width:1;opacity:.32;stroke-linejoin:round}
        .bad{fill:var(--worse)}
        .c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}
        .c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
        .line,.raw{stroke:var(--c)}
        .line.d1{stroke-dasharray:7 4}.line.d2{stroke-dasharray:2 4}
        .line.d3{stroke-dasharray:9 4 2 4}
        .legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:0;padding:0;list-style:none;
        font-size:.82rem;color:var(--muted)}
        .key{display:inline-block;width:1.3rem;margin-right:.4rem;vertical-align:.25em;
        border-top:2.5px solid var(--c)}
        .key.d1,.key.d3{border-top-style:dashed}.key.d2{border-top-style:dotted}
        .hover line{stroke:var(--muted);stroke-dasharray:3 3}
        .hover circle{fill:var(--panel);stroke:var(--c);stroke-width:2}
        .hover rect{fill:var(--text);opacity:.92}
        .hover text{fill:var(--page);font-size:12px}
        .note,.empty{margin:.3rem 0 .2rem;font-size:.84rem;color:var(--muted)}
        .empty{padding:3rem 1rem;text-align:center}
        .scroll{overflow-x:auto}
        table{width:100%;border-collapse:separate;border-spacing:0;font-size:.92rem}
        th,td{padding:.6rem .9rem;text-align:left;vertical-align:top}
        thead th{color:var(--muted);font-size:.8rem;font-weight:550;white-space:nowrap}
        tbody th,tbody td{border-top:1px solid var(--line)}
        tbody th{font-weight:600}
        .scores th{white-space:nowrap}
        th small{display:block;color:var(--muted);font-weight:400}
        .number{text-align:right;white-space:nowrap}
        .score{font-size:1.2rem;font-weight:650;line-height:1.3}
        .score small{margin-left:.15rem;color:var(--muted);font-size:.8rem;font-weight:500}
        .strip{display:block;width:10rem;height:1.15rem;margin:.2rem 0 .25rem}
        .strip .ours{fill:var(--accent)}
        .strip .baseline{fill:var(--panel);stroke:var(--muted);stroke-width:1.8}
        .against,.chips{margin:0;padding:0;list-style:none;font-size:.84rem}
        .against li{white-space:nowrap}
        .chips{display:flex;flex-wrap:wrap;gap:.3rem;min-width:10rem}
        .chips li{padding:.08rem .5rem;border-radius:.4rem;background:var(--faint)}
        .chips span{color:var(--muted)}
        .settings th,.settings td{padding:.32rem .9rem}
        .settings th{font-weight:400}
        .settings td code{overflow-wrap:anywhere}
        .settings .chosen code{color:var(--accent);font-weight:650}
        code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
        .bar{fill:var(--c)}.bar:hover{opacity:.75}
        .bars{display:grid;grid-template-columns:fit-content(40%) 1fr auto;gap:.3rem .8rem;
        align-items:center;font-size:.86rem}
        .bars>span{min-width:0;overflow-wrap:anywhere}
        .bars>i{height:.75rem;border-radius:.2rem;background:var(--c0);min-width:2px}
        .bars>b{text-align:right;font-weight:500}
        .findings td:first-child{width:1%;white-space:nowrap}
        .findings td.number{font-size:1.05rem;font-weight:650}
        .findings b{font-weight:600}
        .findings p{margin:.1rem 0 0;max-width:44rem;color:var(--muted)}
        .findings details{margin-top:.35rem;padding:0;border:0;box-shadow:none;background:none}
        .findings details[open]{padding:0}
        .findings summary{padding:0;font-size:.84rem;font-weight:500;color:var(--accent)}
        .findings ul{margin:.3rem 0 0;padding:0;list-style:none;font-size:.82rem}
        .findings li{padding:.12rem 0;overflow-wrap:anywhere}
        .findings li span{color:var(--muted)}
        .mark{display:inline-flex;align-items:center;gap:.35rem;font-size:.82rem;font-weight:550;
        color:var(--muted)}
        .mark::before{content:"";width:.6rem;height:.6rem;border-radius:50%;
        border:2px solid currentColor}
        .mark.bad{color:var(--worse)}.mark.bad::before{background:currentColor;border-radius:.1rem}
        .mark.warning{color:var(--c4)}.mark.warning::before{background:currentColor}
        .mark.good{color:var(--better)}.mark.good::before{background:currentColor}
        .command{margin:1rem 0 0;padding:.7rem 1rem;overflow-x:auto;border:1px solid var(--line);
        border-radius:.7rem;background:var(--panel);white-space:pre-wrap;overflow-wrap:anywhere}
        .samples{display:grid;gap:.75rem;
        grid-template-columns:repeat(auto-fill,minmax(min(16rem,100%),1fr))}
        .samples.wide{grid-template-columns:repeat(auto-fill,minmax(min(33rem,100%),1fr))}
        .samples.whole{grid-template-columns:1fr}
        .sample{margin:0;padding:.6rem}
        .row{display:flex;gap:.4rem;align-items:flex-end}
        .row div{flex:1;min-width:0}
        .row.many{flex-wrap:wrap}.row.many div{flex:0 1 calc(12.5% - .4rem)}
        .row img{display:block;width:100%;height:auto;border-radius:.35rem;background:var(--faint)}
        .pixels{image-rendering:pixelated}
        .row span,.sample figcaption{display:block;text-align:center;color:var(--muted)}
        .row span{margin-top:.2rem;font-size:.74rem}
        .sample figcaption{margin-top:.25rem;font-size:.82rem;color:var(--text);
        overflow-wrap:anywhere}
        .maps{display:grid;gap:.75rem;
        grid-template-columns:repeat(auto-fill,minmax(min(10.5rem,45%),1fr))}
        .maps.large{grid-template-columns:repeat(auto-fill,minmax(min(21rem,100%),1fr))}
        .patches{display:block;width:100%;height:auto;max-height:30rem;border-radius:.35rem;
        --seen:var(--accent)}
        .ground{fill:var(--faint)}.seen{fill:var(--seen)}.hidden{fill:var(--muted);opacity:.45}
        .other{fill:none}.list{fill:var(--c);fill-opacity:.5}
        .outline{fill:none;stroke:var(--c);stroke-width:1.4;stroke-linecap:square}
        .over .hidden,.over .other{fill:var(--panel);opacity:.86}
        .over .list{fill-opacity:.42}
        .window{fill:none;stroke:var(--panel);stroke-width:1.6}
        .mark-text{font-size:4px;fill:var(--text)}
        .mark-text.light{fill:#fff}.mark-text.dark{fill:#000}
        .detail{fill:transparent}.detail:hover{stroke:var(--text);stroke-width:.6}
        .taken{fill:var(--muted);opacity:.7}
        .border{stroke:var(--text);stroke-width:2;stroke-dasharray:4 3}
        .map-keys{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:0 0 .8rem;padding:0;
        list-style:none;font-size:.88rem}
        .map-keys i{display:inline-block;width:.95rem;height:.95rem;margin-right:.4rem;
        vertical-align:-.12em;border-radius:.2rem;border:1px solid var(--line);
        background:var(--faint)}
        .map-keys .seen{background:var(--accent)}
        .map-keys .hidden{background:color-mix(in srgb,var(--muted) 45%,var(--faint));opacity:1}
        .map-keys .list{background:color-mix(in srgb,var(--c) 50%,var(--faint));
        border:2px solid var(--c)}
        .map-keys .bare{background:linear-gradient(135deg,var(--c4),var(--c2),var(--c0))}
        .map-keys.over .hidden,.map-keys.over .other{background:var(--panel)}
        .scale{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem .6rem;margin:0 0 .8rem;
        font-size:.84rem}
        .scale i{width:12rem;max-width:40vw;height:.7rem;border-radius:.35rem}
        .chart .scale{margin:0}.chart .scale i{width:7rem}
        details{padding:0 1rem}
        details[open]{padding-bottom:1rem}
        summary{padding:.8rem 0;cursor:pointer;font-weight:600}
        details table{border:0;box-shadow:none}
        .facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));
        gap:.7rem 1.5rem;margin:0;padding:1rem}
        .facts dt{color:var(--muted);font-size:.8rem}
        .facts dd{overflow-wrap:anywhere}
        footer{margin-top:3rem;padding-top:1rem;padding-bottom:2.5rem;color:var(--muted);
        font-size:.84rem}
        @media (max-width:40rem){
        header,main,footer{padding-left:1rem;padding-right:1rem}header{padding-top:1.5rem}
        .cards{gap:.5rem}.card{flex-basis:calc(50% - .25rem)}
        .scores thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        .scores tr{display:grid;grid-template-columns:1fr auto;padding:.7rem .8rem}
        .scores tr+tr{border-top:1px solid var(--line)}
        .scores th,.scores td{padding:0;border:0}
        .scores td:nth-child(n+3){grid-column:1/3;margin-top:.4rem}
        .against li{white-space:normal}
        .findings tr{display:grid;grid-template-columns:1fr auto;padding:.7rem .8rem}
        .findings tr+tr{border-top:1px solid var(--line)}
        .findings td,.findings td:first-child{width:auto;padding:0;border:0}
        .findings td:nth-child(3){grid-column:1/3;margin-top:.3rem}
        .card{padding:.7rem .8rem}.card .value{font-size:1.4rem}
        .chart{padding:.8rem .7rem .5rem}
        .chart svg,.label,.hover text{font-size:16px}
        th,td{padding:.55rem .7rem}}
        @media print{:root{color-scheme:light;--page:#fff;--panel:#fff;--line:#ccc;--text:#000;
        --muted:#444;--faint:#eee;--shadow:none}
        nav{display:none}body{font-size:11pt}header,main,footer{max-width:none;padding:0}
        section,.chart,.sample,tr,.card{break-inside:avoid}section{break-inside:auto}
        h2{break-after:avoid}details::details-content{content-visibility:visible;display:block}}
        @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
        """

    /// Values of all curves at the x nearest to the pointer.
    static let script: HTML = """
        for (const svg of document.querySelectorAll('.chart svg[data-frame]')) {
          const [left, right, top, bottom] = svg.dataset.frame.split(' ').map(Number);
          const hover = svg.querySelector('.hover');
          const curves = [...svg.querySelectorAll('.line')].map(line => ({
            name: line.dataset.name, look: line.classList[1],
            values: line.dataset.p.split(',').map(p => p.split(' ').map(Number)),
            places: line.getAttribute('d').split(/[ML]/).slice(1).map(p => p.split(' ').map(parseFloat)),
          })).filter(curve => curve.places.length > 0);
          const node = (name, attributes, text) => {
            const made = document.createElementNS('http://www.w3.org/2000/svg', name);
            for (const key in attributes) made.setAttribute(key, attributes[key]);
            if (text !== undefined) made.textContent = text;
            return hover.appendChild(made);
          };
          const show = event => {
            hover.replaceChildren();
            const box = svg.getBoundingClientRect();
            const x = (event.clientX - box.left) / box.width * 560;
            if (x < left - 10 || x > right + 10 || curves.length === 0) return;
            let at = null;
            const found = curves.map(curve => {
              let best = 0;
              curve.places.forEach((place, i) => {
                if (Math.abs(place[0] - x) < Math.abs(curve.places[best][0] - x)) best = i;
              });
              const place = curve.places[best];
              if (at === null || Math.abs(place[0] - x) < Math.abs(at[0] - x))
                at = [place[0], curve.values[best][0]];
              return {curve, place, value: curve.values[best]};
            });
            node('line', {x1: at[0], x2: at[0], y1: top, y2: bottom});
            const panel = node('rect', {rx: 5});
            const lines = [svg.dataset.x + ' ' + at[1]];
            for (const {curve, place, value} of found) {
              node('circle', {cx: place[0], cy: place[1], r: 4, class: curve.look});
              lines.push(curve.name + ' ' + value[1]);
            }
            const step = parseFloat(getComputedStyle(svg).fontSize) * 1.4;
            const texts = lines.map((line, i) => node('text', {y: top + step * (i + 0.95)}, line));
            const width = Math.max(...texts.map(text => text.getBBox().width)) + 16;
            const start = at[0] + 10 + width > right ? at[0] - 10 - width : at[0] + 10;
            for (const text of texts) text.setAttribute('x', start + 8);
            panel.setAttribute('x', start);
            panel.setAttribute('y', top);
            panel.setAttribute('width', width);
            panel.setAttribute('height', step * lines.length + 6);
          };
          svg.addEventListener('pointermove', show);
          svg.addEventListener('pointerdown', show);
          svg.addEventListener('pointerleave', () => hover.replaceChildren());
        }
        """

    /// Sixteen tiles, of which masking has left a quarter.
    static let logo: HTML = {
        let kept: Set = [1, 6, 8, 15]
        let tiles = (0..<16).map { index -> HTML in
            let color = ColorMap.standard[Double(index) / 15].hex
            let look: HTML =
                kept.contains(index) ? "fill=\"\(color)\"" : "fill=\"currentColor\" opacity=\".22\""
            return
                "<rect x=\"\(index % 4 * 6)\" y=\"\(index / 4 * 6)\" width=\"5\" height=\"5\" rx=\"1\" \(look)/>"
        }
        return "<svg viewBox=\"0 0 23 23\" aria-hidden=\"true\">\(tiles)</svg>"
    }()
}
