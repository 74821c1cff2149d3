//! Which board is this? Decided from what the firmware tells the kernel: the device tree, or DMI on a PC.
//!
//! Device tree: `compatible` goes from the board to the chip, so a match further in front is worth more (Devicetree
//! Specification 0.4, section 2.3.1). DMI: SMBIOS type 1, system information.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::Listed;

/// What machines a board file is for. One matching entry is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Match {
    /// Strings of `compatible`; a `*` at the end stands for anything.
    pub device_tree: Vec<String>,
    /// The model, in the same way.
    pub model: Vec<String>,
    /// Makers and products of PCs.
    pub dmi: Vec<Dmi>,
}

/// A PC, by what its firmware says. With nothing given it is any PC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dmi {
    /// `sys_vendor`; a `*` at the end stands for anything.
    pub vendor: Option<String>,
    /// `product_name`, in the same way.
    pub product: Option<String>,
}

impl Match {
    /// It is for no machine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.device_tree.is_empty() && self.model.is_empty() && self.dmi.is_empty()
    }
}

/// What a machine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// `compatible` of its device tree, the most specific first; empty without one.
    pub compatible: Vec<String>,
    /// `model` of its device tree.
    pub model: Option<String>,
    /// DMI: who made it.
    pub vendor: Option<String>,
    /// DMI: what it is.
    pub product: Option<String>,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        Machine::below(Path::new("/"))
    }

    /// As the files below a root describe it.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        let read = |path: &str| fs::read(root.join(path)).ok();
        let words = |bytes: Vec<u8>| {
            let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).trim().to_owned());
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>()
        };
        let first = |path: &str| read(path).map(words).and_then(|words| words.into_iter().next());
        Machine {
            compatible: read("sys/firmware/devicetree/base/compatible").map(words).unwrap_or_default(),
            model: first("sys/firmware/devicetree/base/model"),
            vendor: first("sys/class/dmi/id/sys_vendor"),
            product: first("sys/class/dmi/id/product_name"),
        }
    }

    fn has_device_tree(&self) -> bool {
        !self.compatible.is_empty()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dmi = [self.vendor.as_deref(), self.product.as_deref()];
        let names = if self.has_device_tree() { [self.model.as_deref(), None] } else { dmi };
        let mut words: Vec<&str> = names.into_iter().flatten().collect();
        words.extend(self.compatible.iter().map(String::as_str));
        if words.is_empty() {
            formatter.write_str("without device tree and DMI")
        } else {
            formatter.write_str(&words.join(", "))
        }
    }
}

/// Why no board is found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// None is for this machine.
    #[error(
        "no board file is for this machine ({machine}){}; name one: --board NAME, or BOARD=NAME in /etc/subrosa/board \
         (`subrosa boards` lists them, docs/adding.md tells how to write one)",
        nearest(.near)
    )]
    Unknown {
        /// What it says of itself.
        machine: String,
        /// Names of boards that are like it.
        near: Vec<String>,
    },
    /// Several say so, and none more precisely.
    #[error("several board files are for this machine ({machine}): {}; name one: --board NAME", .names.join(", "))]
    Several {
        /// What it says of itself.
        machine: String,
        /// Names of the boards.
        names: Vec<String>,
    },
}

fn nearest(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; the nearest are {}", names.join(", ")) }
}

/// How well a board fits; the least is best.
type Distance = u32;
/// A model that is written out.
const MODEL: Distance = 0;
/// Any PC.
const ANY: Distance = 1000;

/// The board that is for this machine.
///
/// # Errors
/// When none is, or several equally well.
pub fn detect<'b>(machine: &Machine, boards: &'b [Listed]) -> Result<&'b Listed, DetectError> {
    let fits: Vec<(Distance, &Listed)> =
        boards.iter().filter_map(|board| Some((distance(&board.matches, machine)?, board))).collect();
    let Some(least) = fits.iter().map(|(distance, _)| *distance).min() else {
        let near = boards.iter().filter(|board| is_near(&board.matches, machine)).map(|board| board.name.clone());
        return Err(DetectError::Unknown { machine: machine.to_string(), near: near.collect() });
    };
    let best: Vec<&Listed> =
        fits.into_iter().filter(|(distance, _)| *distance == least).map(|(_, board)| board).collect();
    match best.as_slice() {
        [board] => Ok(board),
        several => {
            let names = several.iter().map(|board| board.name.clone()).collect();
            Err(DetectError::Several { machine: machine.to_string(), names })
        }
    }
}

fn distance(matches: &Match, machine: &Machine) -> Option<Distance> {
    let models = matches.model.iter().filter_map(|pattern| Some(MODEL + 5 * fit(pattern, machine.model.as_deref()?)?));
    let trees = matches.device_tree.iter().flat_map(|pattern| {
        let places = (1..).zip(&machine.compatible);
        places.filter_map(move |(place, word)| Some(10 * place + fit(pattern, word)?))
    });
    // Some boards with a device tree have DMI too; there the tree knows more.
    let dmi = matches.dmi.iter().filter(|_| !machine.has_device_tree()).filter_map(|dmi| {
        let part = |pattern: &Option<String>, word: &Option<String>| match pattern {
            None => Some(None),
            Some(pattern) => fit(pattern, word.as_deref()?).map(Some),
        };
        match (part(&dmi.vendor, &machine.vendor)?, part(&dmi.product, &machine.product)?) {
            (None, None) => (machine.vendor.is_some() || machine.product.is_some()).then_some(ANY),
            (Some(vendor), None) => Some(100 + vendor),
            (None, Some(product)) => Some(50 + product),
            (Some(vendor), Some(product)) => Some(10 + vendor + product),
        }
    });
    models.chain(trees).chain(dmi).min()
}

/// 0 for the same word, 1 for one that begins as the pattern says.
fn fit(pattern: &str, word: &str) -> Option<Distance> {
    match pattern.strip_suffix('*') {
        Some(start) => word.starts_with(start).then_some(1),
        None => (pattern == word).then_some(0),
    }
}

/// The same maker, by the part of `compatible` before the comma or by DMI.
fn is_near(matches: &Match, machine: &Machine) -> bool {
    let maker = |word: &str| word.split_once(',').map(|(maker, _)| maker.to_owned());
    let makers: Vec<String> = machine.compatible.iter().filter_map(|word| maker(word)).collect();
    matches.device_tree.iter().filter_map(|word| maker(word)).any(|maker| makers.contains(&maker))
        || matches.dmi.iter().any(|dmi| dmi.vendor.is_some() && dmi.vendor == machine.vendor)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::list;

    fn boards() -> Vec<Listed> {
        list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards")).unwrap()
    }

    fn tree(model: &str, compatible: &[&str]) -> Machine {
        let compatible = compatible.iter().map(|word| (*word).to_owned()).collect();
        Machine { compatible, model: Some(model.to_owned()), ..Machine::default() }
    }

    fn pc(vendor: &str, product: &str) -> Machine {
        Machine { vendor: Some(vendor.to_owned()), product: Some(product.to_owned()), ..Machine::default() }
    }

    /// What machines say of themselves, and the board that is found.
    #[test]
    fn real_machines_find_their_boards() {
        let orin = "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit";
        let mut jetson_with_dmi =
            tree("NVIDIA Jetson AGX Orin Developer Kit", &["nvidia,p3737-0000+p3701-0005", "nvidia,tegra234"]);
        jetson_with_dmi.vendor = Some("NVIDIA".to_owned());
        jetson_with_dmi.product = Some("NVIDIA Jetson AGX Orin Developer Kit".to_owned());
        for (machine, name) in [
            (
                tree("Raspberry Pi Zero 2 W Rev 1.0", &["raspberrypi,model-zero-2-w", "brcm,bcm2837"]),
                "raspberry-pi-zero-2-w",
            ),
            (tree("Raspberry Pi 3 Model B Rev 1.2", &["raspberrypi,3-model-b", "brcm,bcm2837"]), "raspberry-pi-3"),
            (
                tree("Raspberry Pi 3 Model B Plus Rev 1.3", &["raspberrypi,3-model-b-plus", "brcm,bcm2837"]),
                "raspberry-pi-3",
            ),
            (tree("Raspberry Pi 4 Model B Rev 1.5", &["raspberrypi,4-model-b", "brcm,bcm2711"]), "raspberry-pi-4"),
            (
                tree("Raspberry Pi Compute Module 4 Rev 1.1", &["raspberrypi,4-compute-module", "brcm,bcm2711"]),
                "raspberry-pi-4",
            ),
            (tree("Raspberry Pi 5 Model B Rev 1.0", &["raspberrypi,5-model-b", "brcm,bcm2712"]), "raspberry-pi-5"),
            (
                tree("Raspberry Pi Compute Module 5 Rev 1.0", &["raspberrypi,5-compute-module", "brcm,bcm2712"]),
                "raspberry-pi-5",
            ),
            (tree(orin, &["nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"]), "jetson-orin-nano"),
            (tree(orin, &["nvidia,p3768-0000+p3767-0005-super", "nvidia,tegra234"]), "jetson-orin-nano"),
            (
                tree(
                    "NVIDIA Jetson Orin NX",
                    &["nvidia,p3509-0000+p3767-0000", "nvidia,p3767-0000", "nvidia,tegra234"],
                ),
                "jetson-orin-nx",
            ),
            (jetson_with_dmi, "jetson-agx-orin"),
            (
                tree(
                    "NVIDIA Jetson Nano Developer Kit",
                    &["nvidia,p3450-0000", "nvidia,jetson-nano", "nvidia,tegra210"],
                ),
                "jetson-nano",
            ),
            (
                tree("NVIDIA Jetson Xavier NX Developer Kit", &["nvidia,p3509-0000+p3668-0000", "nvidia,tegra194"]),
                "jetson-xavier-nx",
            ),
            (tree("Radxa ROCK 5B", &["radxa,rock-5b", "rockchip,rk3588"]), "rk3588-rock-5b"),
            (pc("Intel(R) Client Systems", "NUC11ATKC4"), "mini-pc"),
            (pc("AZW", "EQ"), "mini-pc"),
            (pc("LENOVO", "20XW004AGE"), "pc"),
            (pc("QEMU", "Standard PC (Q35 + ICH9, 2009)"), "pc"),
        ] {
            let boards = boards();
            let found = detect(&machine, &boards).map(|board| board.name.as_str());
            assert_eq!(found.map_err(|error| error.to_string()), Ok(name), "{machine}");
        }
    }

    #[test]
    fn an_unknown_machine_is_told_what_is_near_and_how_to_name_a_board() {
        let zero = tree("Raspberry Pi Model B Plus Rev 1.2", &["raspberrypi,model-b-plus", "brcm,bcm2835"]);
        let error = detect(&zero, &boards()).unwrap_err().to_string();
        for part in
            ["Raspberry Pi Model B Plus", "raspberry-pi-3", "raspberry-pi-4", "--board NAME", "/etc/subrosa/board"]
        {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(!error.contains("jetson"), "{error}");
        let error = detect(&Machine::default(), &boards()).unwrap_err().to_string();
        assert!(error.contains("without device tree and DMI") && !error.contains("nearest"), "{error}");
        let unknown = tree("Board", &["maker,board"]);
        assert!(detect(&unknown, &boards()).is_err(), "a machine with a device tree is no PC");
    }

    #[test]
    fn the_most_specific_wins_and_two_that_are_equal_are_told() {
        let board = |name: &str, matches: &str| Listed {
            path: PathBuf::from(format!("{name}.toml")),
            name: name.to_owned(),
            title: name.to_owned(),
            matches: toml::from_str(matches).unwrap(),
            board: Err("not of interest here".to_owned()),
        };
        let machine = tree("M 1", &["maker,m-1", "maker,m", "chip,x"]);
        let mut boards = Vec::new();
        for (name, matches) in [
            ("chip", "device-tree = [\"chip,x\"]"),
            ("family", "device-tree = [\"maker,m\"]"),
            ("start", "device-tree = [\"maker,m-*\"]"),
            ("word", "device-tree = [\"maker,m-1\"]"),
            ("model", "model = [\"M 1\"]"),
        ] {
            boards.push(board(name, matches));
            assert_eq!(detect(&machine, &boards).unwrap().name, name);
        }
        boards.push(board("twin", "model = [\"M 1\"]"));
        let error = detect(&machine, &boards).unwrap_err().to_string();
        assert!(error.contains("model, twin") && error.contains("--board NAME"), "{error}");
        let machine = pc("V", "P 1");
        let mut boards = Vec::new();
        for (name, matches) in [
            ("any", "dmi = [{}]"),
            ("vendor", "dmi = [{ vendor = \"V\" }]"),
            ("product", "dmi = [{ product = \"P*\" }]"),
            ("both", "dmi = [{ vendor = \"X\" }, { vendor = \"V\", product = \"P*\" }]"),
        ] {
            boards.push(board(name, matches));
            assert_eq!(detect(&machine, &boards).unwrap().name, name);
        }
    }

    #[test]
    fn what_a_machine_says_is_read_from_files() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Machine::below(root.path()), Machine::default());
        let tree = root.path().join("sys/firmware/devicetree/base");
        let dmi = root.path().join("sys/class/dmi/id");
        fs::create_dir_all(&tree).unwrap();
        fs::create_dir_all(&dmi).unwrap();
        fs::write(tree.join("compatible"), b"raspberrypi,4-model-b\0brcm,bcm2711\0").unwrap();
        fs::write(tree.join("model"), b"Raspberry Pi 4 Model B Rev 1.5\0").unwrap();
        fs::write(dmi.join("sys_vendor"), b"AZW\n").unwrap();
        let machine = Machine::below(root.path());
        assert_eq!(machine.compatible, ["raspberrypi,4-model-b", "brcm,bcm2711"]);
        assert_eq!(machine.model.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.5"));
        assert_eq!((machine.vendor.as_deref(), machine.product), (Some("AZW"), None));
    }
}
