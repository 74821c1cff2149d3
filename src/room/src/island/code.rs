//! What a phone scans to join the network: the text of Wi-Fi QR codes, as ZXing wrote it down and cameras read it.

use subrosa_messages::Pii;

use super::{NetworkName, Passphrase};

/// The text of the code. `T:WPA` stands for WPA2 and WPA3 with a passphrase alike.
#[must_use]
pub fn text(name: &NetworkName, passphrase: &Passphrase) -> Pii<String> {
    Pii::new(format!("WIFI:T:WPA;S:{};P:{};;", escaped(name.as_str()), escaped(passphrase.reveal())))
}

/// Signs with a meaning of their own get a backslash.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        if matches!(letter, '\\' | ';' | ',' | ':' | '"') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a code as a phone does: fields up to a `;` that has no backslash in front of it.
    fn scanned(text: &str) -> Vec<(char, String)> {
        let mut fields = Vec::new();
        let mut field = String::new();
        let mut letters = text.strip_prefix("WIFI:").unwrap().chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => field.push(letters.next().unwrap()),
                ';' => {
                    if let Some((key, value)) = field.split_once(':') {
                        fields.push((key.chars().next().unwrap(), value.to_owned()));
                    }
                    field.clear();
                }
                other => field.push(other),
            }
        }
        fields
    }

    #[test]
    fn signs_with_a_meaning_are_escaped() {
        let name = NetworkName::new("Klasse 3b; \"Süd\"").unwrap();
        let passphrase = Passphrase::new("a\\b:c,d;efg").unwrap();
        let code = text(&name, &passphrase);
        assert_eq!(code.reveal(), "WIFI:T:WPA;S:Klasse 3b\\; \\\"Süd\\\";P:a\\\\b\\:c\\,d\\;efg;;");
        assert_eq!(format!("{code:?}"), "‹withheld›");
    }

    proptest! {
        #[test]
        fn a_phone_reads_what_was_meant(name in "[^\\p{C}]{1,8}", passphrase in "[ -~]{8,63}") {
            if let (Some(name), Some(passphrase)) = (NetworkName::new(&name), Passphrase::new(&passphrase)) {
                let read = scanned(text(&name, &passphrase).reveal());
                let meant = [('T', "WPA".to_owned()), ('S', name.as_str().to_owned()), ('P', passphrase.reveal().to_owned())];
                prop_assert_eq!(read, meant);
            }
        }
    }
}
