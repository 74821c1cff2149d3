//! The sheet that a wiring is drawn on: a connector in the middle, parts at both sides, wires that do not cross.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Kind, Part};

const INK: &str = "#17151c";
const DIM: &str = "#6b6257";
const RULE: &str = "#c2b9ad";
const ROSE: &str = "#b0485c";
const WIDTH: f32 = 1240.0;
const TOP: f32 = 84.0;
/// From one pin to the next.
const PITCH: f32 = 30.0;
/// From one part to the next.
const BLOCK: f32 = 132.0;
/// From the middle to where parts begin.
const PARTS: f32 = 322.0;
/// From one vertical piece of wire to the next.
const LANE: f32 = 13.0;

/// Which side of the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    const fn sign(self) -> f32 {
        match self {
            Side::Left => -1.0,
            Side::Right => 1.0,
        }
    }
}

/// One pin.
struct Pin {
    /// Its number, if pins are numbered.
    number: String,
    line: String,
    row: usize,
    side: Option<Side>,
}

/// What the wires begin at.
pub(super) struct Connector {
    title: String,
    pins: Vec<Pin>,
    rows: usize,
}

impl Connector {
    /// Two columns of numbered pins.
    pub(super) fn header(label: &str, count: u8, names: &BTreeMap<u8, String>) -> Self {
        let pins = (1..=count).map(|pin| Pin {
            number: pin.to_string(),
            line: names.get(&pin).cloned().unwrap_or_default(),
            row: usize::from((pin - 1) / 2),
            side: Some(if pin % 2 == 1 { Side::Left } else { Side::Right }),
        });
        Connector { title: format!("Header {label}"), pins: pins.collect(), rows: usize::from(count.div_ceil(2)) }
    }

    /// One column of lines without numbers: a USB adapter.
    pub(super) fn column(label: &str, lines: Vec<String>) -> Self {
        let rows = lines.len();
        let pins = lines.into_iter().enumerate();
        let pins = pins.map(|(row, line)| Pin { number: String::new(), line, row: row * 2, side: None });
        Connector { title: format!("Adapter {label}"), pins: pins.collect(), rows: rows * 2 }
    }
}

/// The drawing.
pub(super) struct Sheet {
    connector: Connector,
    body: String,
    height: f32,
}

impl Sheet {
    pub(super) fn new(connector: Connector) -> Self {
        let height = TOP + connector.rows as f32 * PITCH + 120.0;
        Sheet { connector, body: String::new(), height }
    }

    /// Each part at the side of its pin, in the order of the pins.
    pub(super) fn place(&mut self, parts: &[Part]) {
        for side in [Side::Left, Side::Right] {
            let mut here: Vec<(usize, &Part)> = parts
                .iter()
                .filter_map(|part| {
                    let pin = self.connector.pins.iter().find(|pin| pin.line == part.line)?;
                    let own = pin.side.unwrap_or(match part.kind {
                        Kind::Button | Kind::Switch => Side::Left,
                        Kind::Live | Kind::Muted | Kind::Supply => Side::Right,
                    });
                    (own == side).then_some((pin.row, part))
                })
                .collect();
            here.sort_by_key(|(row, _)| *row);
            self.height = self.height.max(TOP + here.len() as f32 * BLOCK + 96.0);
            self.wires(side, &here);
        }
        self.pins(parts);
    }

    /// Wires run level, once down or up, and level again. Those that go down take their lanes from the lowest outwards,
    /// those that go up from the highest: so none crosses another.
    fn wires(&mut self, side: Side, here: &[(usize, &Part)]) {
        let ends: Vec<(f32, f32)> =
            here.iter().enumerate().map(|(index, (row, _))| (row_y(*row), TOP + 74.0 + index as f32 * BLOCK)).collect();
        let down = ends.iter().filter(|(from, to)| to > from).count();
        let mut taken = [0_usize, 0];
        for (index, ((_, part), (from, to))) in here.iter().zip(&ends).enumerate() {
            let lane = if to > from {
                let [downs, _] = &mut taken;
                *downs += 1;
                down - *downs
            } else {
                index - taken.first().copied().unwrap_or_default()
            };
            let x = |distance: f32| WIDTH / 2.0 + side.sign() * distance;
            let lane = x(200.0 + lane as f32 * LANE);
            self.line(&format!("M{} {from}H{lane}V{to}H{}", x(66.0), x(PARTS + 20.0)), ROSE, 2.5);
            let at = At { x: x(PARTS), y: *to, sign: side.sign() };
            self.part(at, part);
        }
    }

    fn pins(&mut self, parts: &[Part]) {
        let (middle, rows) = (WIDTH / 2.0, self.connector.rows as f32);
        let title = self.connector.title.clone();
        let single = self.connector.pins.iter().all(|pin| pin.side.is_none());
        let mut text = String::new();
        let _infallible = write!(
            text,
            "<rect x=\"{}\" y=\"{}\" width=\"132\" height=\"{}\" rx=\"10\" fill=\"{INK}\"/>\n<text x=\"{middle}\" y=\"{}\" \
             text-anchor=\"middle\" font-weight=\"600\" fill=\"{INK}\">{}</text>\n",
            middle - 66.0,
            TOP - 16.0,
            rows * PITCH + 14.0,
            TOP - 28.0,
            escaped(&title),
        );
        for pin in &self.connector.pins {
            let used = parts.iter().any(|part| part.line == pin.line);
            let y = row_y(pin.row);
            let fill = if used { ROSE } else { "#4a4453" };
            let (x, number) = match pin.side {
                Some(side) => (middle + side.sign() * 24.0, pin.number.as_str()),
                None => (middle, pin.line.as_str()),
            };
            let radius = if single { 22.0 } else { 12.0 };
            let _infallible = writeln!(
                text,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"22\" rx=\"4\" fill=\"{fill}\"/><text x=\"{x}\" y=\"{}\" \
                 text-anchor=\"middle\" font-size=\"13\" fill=\"#fffaf1\">{}</text>",
                x - radius,
                y - 11.0,
                radius * 2.0,
                y + 5.0,
                escaped(number),
            );
            let Some(side) = pin.side else { continue };
            let (x, anchor) = (middle + side.sign() * 74.0, if side == Side::Left { "end" } else { "start" });
            // Above its wire, or level with its pin.
            let (up, colour, weight) = if used { (6.0, INK, "600") } else { (-5.0, DIM, "400") };
            let _infallible = writeln!(
                text,
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"14\" font-weight=\"{weight}\" \
                 fill=\"{colour}\">{}</text>",
                y - up,
                escaped(&pin.line),
            );
        }
        self.body.push_str(&text);
    }

    fn part(&mut self, at: At, part: &Part) {
        self.text(at, 0.0, -54.0, 16, INK, part.name);
        self.dot(at, 20.0, 0.0);
        match part.kind {
            Kind::Button | Kind::Switch => {
                self.resistor_down(at);
                self.path(at, &[(20.0, 0.0), (92.0, 0.0)]);
                // The contact, open.
                self.path(at, &[(92.0, 0.0), (128.0, -16.0)]);
                if part.kind == Kind::Button {
                    self.path(at, &[(110.0, -10.0), (110.0, -26.0)]);
                    self.path(at, &[(100.0, -26.0), (120.0, -26.0)]);
                }
                self.dot(at, 92.0, 0.0);
                self.dot(at, 132.0, 0.0);
                self.path(at, &[(132.0, 0.0), (172.0, 0.0)]);
                self.text(at, 178.0, 5.0, 15, ROSE, "3.3 V");
                self.text(at, 92.0, 30.0, 14, DIM, part.says);
            }
            Kind::Live | Kind::Muted => {
                if part.kind == Kind::Live {
                    self.resistor_up(at)
                } else {
                    self.resistor_down(at)
                }
                let (fill, colour) = if part.kind == Kind::Live { ("#ffffff", INK) } else { ("#c8323c", INK) };
                // Gate, channel, source to ground.
                self.path(at, &[(20.0, 0.0), (96.0, 0.0)]);
                self.path(at, &[(96.0, -12.0), (96.0, 12.0)]);
                self.path(at, &[(102.0, -14.0), (102.0, 14.0)]);
                self.path(at, &[(102.0, 10.0), (118.0, 10.0), (118.0, 26.0)]);
                self.ground(at, 118.0, 26.0);
                // Drain, lamp, resistor, 5 V.
                self.path(at, &[(102.0, -10.0), (132.0, -10.0)]);
                self.shape(at, &[(132.0, -10.0), (150.0, -20.0), (150.0, 0.0)], fill, colour);
                self.path(at, &[(132.0, -20.0), (132.0, 0.0)]);
                self.path(at, &[(150.0, -10.0), (164.0, -10.0)]);
                self.shape(at, &[(164.0, -16.0), (194.0, -16.0), (194.0, -4.0), (164.0, -4.0)], "none", INK);
                self.path(at, &[(194.0, -10.0), (214.0, -10.0)]);
                self.text(at, 220.0, -5.0, 15, ROSE, "5 V");
                self.text(at, 162.0, -22.0, 13, DIM, "330 Ω");
                self.text(at, 136.0, 32.0, 14, DIM, part.says);
            }
            Kind::Supply => {
                self.resistor_down(at);
                self.path(at, &[(20.0, 0.0), (96.0, 0.0)]);
                self.shape(at, &[(96.0, -22.0), (226.0, -22.0), (226.0, 22.0), (96.0, 22.0)], "none", INK);
                self.text(at, 106.0, 5.0, 14, INK, "load switch, enable");
                self.text(at, 96.0, 42.0, 14, DIM, part.says);
            }
        }
    }

    fn resistor_down(&mut self, at: At) {
        self.path(at, &[(20.0, 0.0), (20.0, 10.0)]);
        self.shape(at, &[(14.0, 10.0), (26.0, 10.0), (26.0, 36.0), (14.0, 36.0)], "none", INK);
        self.path(at, &[(20.0, 36.0), (20.0, 44.0)]);
        self.ground(at, 20.0, 44.0);
        self.text(at, 32.0, 28.0, 13, DIM, "10 kΩ");
    }

    fn resistor_up(&mut self, at: At) {
        self.path(at, &[(20.0, 0.0), (20.0, -8.0)]);
        self.shape(at, &[(14.0, -34.0), (26.0, -34.0), (26.0, -8.0), (14.0, -8.0)], "none", INK);
        self.path(at, &[(20.0, -34.0), (20.0, -40.0), (34.0, -40.0)]);
        self.text(at, 38.0, -35.0, 15, ROSE, "3.3 V");
        self.text(at, 32.0, -14.0, 13, DIM, "10 kΩ");
    }

    fn ground(&mut self, at: At, x: f32, y: f32) {
        for (half, down) in [(9.0, 0.0), (5.5, 4.0), (2.0, 8.0)] {
            self.path(at, &[(x - half, y + down), (x + half, y + down)]);
        }
    }

    fn dot(&mut self, at: At, x: f32, y: f32) {
        let (x, y) = at.of(x, y);
        let _infallible = writeln!(self.body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3.5\" fill=\"{INK}\"/>");
    }

    fn path(&mut self, at: At, points: &[(f32, f32)]) {
        let steps = at.steps(points);
        self.line(&format!("M{steps}"), INK, 2.0);
    }

    fn shape(&mut self, at: At, points: &[(f32, f32)], fill: &str, stroke: &str) {
        let steps = at.steps(points);
        let _infallible =
            writeln!(self.body, "<path d=\"M{steps}Z\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"2\"/>");
    }

    fn line(&mut self, path: &str, colour: &str, width: f32) {
        let _infallible =
            writeln!(self.body, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>");
    }

    fn text(&mut self, at: At, x: f32, y: f32, size: u32, colour: &str, text: &str) {
        let anchor = if at.sign < 0.0 { "end" } else { "start" };
        let (x, y) = at.of(x, y);
        let weight = if size >= 16 { "600" } else { "400" };
        let _infallible = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"{size}\" font-weight=\"{weight}\" \
             fill=\"{colour}\">{}</text>",
            escaped(text),
        );
    }

    pub(super) fn into_svg(self) -> String {
        let Sheet { connector, body, height } = self;
        let supplies = match connector.pins.iter().any(|pin| pin.side.is_some()) {
            true => "3.3 V: pin 1 or 17. 5 V: pin 2 or 4. Ground: pin 6, 9, 14, 20, 25, 30, 34 or 39.",
            false => "3.3 V, 5 V and ground: from the adapter.",
        };
        let (left, first, second) = (32.0, height - 50.0, height - 26.0);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Inter, system-ui, \
             'DejaVu Sans', sans-serif\" font-size=\"17\" role=\"img\" aria-labelledby=\"title\">\n<title \
             id=\"title\">Wiring of {title}: contacts from 3.3 V to their line, with 10 kΩ to ground; lamps on \
             transistors whose gate 10 kΩ pulls to 3.3 V (live) or to ground (muted). The table beside it names every \
             pin.</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"14\" fill=\"#f6f0e6\"/>\n<path d=\"M{left} \
             {rule}H{right}\" stroke=\"{RULE}\" stroke-width=\"2\"/>\n{body}<text x=\"{left}\" y=\"{first}\" \
             font-size=\"15\" fill=\"{DIM}\">{supplies} Transistors: N-channel, logic level (for example \
             AO3400A).</text>\n<text x=\"{left}\" y=\"{second}\" font-size=\"15\" fill=\"{DIM}\">A wire that breaks reads \
             closed or not pressed. A line that nobody drives lights the white lamps and keeps the red one \
             dark.</text>\n</svg>\n",
            title = escaped(&connector.title),
            rule = height - 78.0,
            right = WIDTH - 32.0,
        )
    }
}

fn row_y(row: usize) -> f32 {
    TOP + 4.0 + row as f32 * PITCH
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Where a part is; at the left side it is mirrored.
#[derive(Clone, Copy)]
struct At {
    x: f32,
    y: f32,
    sign: f32,
}

impl At {
    fn of(self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.sign * x, self.y + y)
    }

    fn steps(self, points: &[(f32, f32)]) -> String {
        let steps = points.iter().map(|(x, y)| {
            let (x, y) = self.of(*x, *y);
            format!("{x} {y}")
        });
        steps.collect::<Vec<_>>().join("L")
    }
}
