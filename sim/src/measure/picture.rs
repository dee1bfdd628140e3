//! The picture of a measurement: for each size the cumulative distribution, one curve without and one with loss, as SVG. The
//! axis of time is logarithmic.

use std::fmt::Write as _;

use super::Row;

const WIDTH: f64 = 860.0;
const PANEL: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 44.0;
/// One for each size.
const COLOURS: [&str; 6] = ["#2563eb", "#059669", "#d97706", "#dc2626", "#7c3aed", "#0891b2"];

/// The whole file.
pub(super) fn draw(rows: &[Row]) -> String {
    let panels = [
        ("change", "A change, until every node shows it"),
        ("revocation", "A revoked token, until every node refuses it"),
    ];
    let height = PANEL * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (at, (what, title)) in panels.into_iter().enumerate() {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.what == what).collect();
        // Writing to a string cannot fail.
        let _ = panel(&mut svg, at as f64 * PANEL, title, &rows);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Both axes of one panel.
struct Scale {
    top: f64,
    decades: f64,
}

impl Scale {
    fn x(&self, ms: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (ms.max(1.0).log10() / self.decades).clamp(0.0, 1.0)
    }

    fn y(&self, share: f64) -> f64 {
        self.top + TOP + (PANEL - TOP - BOTTOM) * (1.0 - share)
    }
}

fn panel(svg: &mut String, top: f64, title: &str, rows: &[&Row]) -> std::fmt::Result {
    let most_ms = rows.iter().map(|row| row.max_ms).max().unwrap_or(1);
    let scale = Scale { top, decades: (most_ms as f64).log10().ceil().max(1.0) };
    writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\" font-size=\"15\" font-weight=\"600\">{title}</text>", top + 26.0)?;
    for decade in 0..=scale.decades as u32 {
        let ms = 10f64.powi(decade as i32);
        let (x, above, below) = (scale.x(ms), scale.y(1.0), scale.y(0.0));
        let label = if ms < 1000.0 { format!("{ms} ms") } else { format!("{} s", ms / 1000.0) };
        writeln!(svg, "<path d=\"M{x:.1} {above:.1}V{below:.1}\" stroke=\"#e5e7eb\"/>")?;
        let under = below + 18.0;
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{under:.1}\" text-anchor=\"middle\" fill=\"#6b7280\">{label}</text>")?;
    }
    for share in [0.0, 0.5, 0.99] {
        let (y, right) = (scale.y(share), WIDTH - RIGHT);
        writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#e5e7eb\"/>")?;
        let (x, y, percent) = (LEFT - 8.0, y + 4.0, share * 100.0);
        writeln!(svg, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\" fill=\"#6b7280\">{percent} %</text>")?;
    }
    let mut sizes: Vec<u64> = rows.iter().map(|row| row.nodes).collect();
    sizes.dedup();
    for row in rows {
        let place = sizes.iter().position(|nodes| *nodes == row.nodes).unwrap_or(0);
        curve(svg, &scale, row, COLOURS[place % COLOURS.len()])?;
        if row.loss_percent == 0 {
            legend(svg, top + TOP + 14.0 + place as f64 * 40.0, row.nodes, COLOURS[place % COLOURS.len()])?;
        }
    }
    Ok(())
}

/// Steps from sample to sample; with loss the line is dashed.
fn curve(svg: &mut String, scale: &Scale, row: &Row, colour: &str) -> std::fmt::Result {
    let Some(first) = row.samples_ms.first() else { return Ok(()) };
    let mut path = format!("M{:.1} {:.1}", scale.x(*first as f64), scale.y(0.0));
    let mut last_x = f64::NEG_INFINITY;
    for (at, ms) in row.samples_ms.iter().enumerate() {
        let x = scale.x(*ms as f64);
        if x - last_x >= 0.5 || at + 1 == row.samples_ms.len() {
            write!(path, "H{x:.1}V{:.1}", scale.y((at + 1) as f64 / row.samples_ms.len() as f64))?;
            last_x = x;
        }
    }
    let dashes = if row.loss_percent == 0 { "" } else { " stroke-dasharray=\"5 4\"" };
    writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"{dashes}/>")
}

fn legend(svg: &mut String, y: f64, nodes: u64, colour: &str) -> std::fmt::Result {
    let (x, end, text) = (WIDTH - RIGHT + 14.0, WIDTH - RIGHT + 38.0, WIDTH - RIGHT + 44.0);
    let (second, label, below) = (y + 16.0, y + 4.0, y + 20.0);
    writeln!(svg, "<path d=\"M{x} {y}H{end}\" stroke=\"{colour}\" stroke-width=\"1.8\"/>")?;
    writeln!(svg, "<text x=\"{text}\" y=\"{label}\">{nodes} nodes</text>")?;
    writeln!(
        svg,
        "<path d=\"M{x} {second}H{end}\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-dasharray=\"5 4\"/>"
    )?;
    writeln!(svg, "<text x=\"{text}\" y=\"{below}\" fill=\"#6b7280\">1 % lost</text>")
}
