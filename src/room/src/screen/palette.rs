//! The colours of the product: warm paper on ink, one rose. The page uses the same (`web/static`).

/// A colour by its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colour {
    /// The ground.
    Ink,
    /// Panels, and cells without a picture.
    Raised,
    /// Hairlines and the rings of hollow icons.
    Rule,
    /// Text; the filled discs of what is live; panels that ask for an act.
    Paper,
    /// The second line.
    PaperDim,
    /// The one accent: the mark, and what to do next. Never a state.
    Rose,
    /// *Muted*, of the microphone only, with a struck-out icon and the word.
    MutedRed,
    /// Faults.
    Amber,
}

impl Colour {
    /// All of them.
    pub const ALL: [Colour; 8] = [
        Colour::Ink,
        Colour::Raised,
        Colour::Rule,
        Colour::Paper,
        Colour::PaperDim,
        Colour::Rose,
        Colour::MutedRed,
        Colour::Amber,
    ];

    /// Red, green and blue (sRGB).
    #[must_use]
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Colour::Ink => [0x17, 0x15, 0x1c],
            Colour::Raised => [0x24, 0x21, 0x2b],
            Colour::Rule => [0x5a, 0x53, 0x68],
            Colour::Paper => [0xf6, 0xf0, 0xe6],
            Colour::PaperDim => [0xc2, 0xb9, 0xad],
            Colour::Rose => [0xe9, 0xa3, 0xae],
            Colour::MutedRed => [0xff, 0x6b, 0x5e],
            Colour::Amber => [0xf2, 0xc1, 0x4e],
        }
    }

    /// As CSS and SVG write it.
    #[must_use]
    pub fn hex(self) -> String {
        let [red, green, blue] = self.rgb();
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio (WCAG 2.2).
    fn contrast(one: Colour, other: Colour) -> f64 {
        let luminance = |colour: Colour| {
            let [r, g, b] = colour.rgb().map(|c| {
                let c = f64::from(c) / 255.0;
                if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_has_the_contrast_of_wcag_aaa() {
        for ground in [Colour::Ink, Colour::Raised] {
            for text in [Colour::Paper, Colour::PaperDim] {
                assert!(contrast(text, ground) >= 7.0, "{text:?} on {ground:?}: {}", contrast(text, ground));
            }
        }
        assert!(contrast(Colour::Ink, Colour::Paper) >= 7.0);
        assert!(contrast(Colour::Amber, Colour::Ink) >= 7.0);
    }

    #[test]
    fn every_icon_has_the_contrast_of_wcag_aa() {
        for icon in [Colour::Rose, Colour::MutedRed, Colour::Amber, Colour::Paper, Colour::PaperDim] {
            assert!(contrast(icon, Colour::Ink) >= 4.5, "{icon:?}");
        }
    }
}
