use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rcgen::KeyPair;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};

use super::authority::{Pair, VALIDITY};
use super::date::FLOOR;
use super::*;

const NOW: Date = FLOOR + 50 * DAY;

fn names(hosts: &[&str], addresses: &[&str]) -> Names {
    Names {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Whether a browser respects the constraints of an authority that a person has installed. Not all do.
#[derive(Clone, Copy, PartialEq)]
enum Anchor {
    Constrained,
    NameAndKey,
}

/// As a browser that has the authority installed judges the certificate.
fn judged_by(anchor: Anchor, authority: &Authority, own: &Pair, host: &str, at: Date) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.root.clone()).unwrap();
    if anchor == Anchor::NameAndKey {
        roots.roots[0].name_constraints = None;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.try_into().unwrap()));
    let host = ServerName::try_from(host.to_owned()).unwrap();
    let between = [authority.issuer.certificate.clone()];
    verifier.verify_server_cert(&own.certificate, &between, &host, &[], at).map(|_verified| ())
}

fn judged(authority: &Authority, own: &Pair, host: &str, at: Date) -> Result<(), rustls::Error> {
    let [strict, lax] =
        [Anchor::Constrained, Anchor::NameAndKey].map(|anchor| judged_by(anchor, authority, own, host, at));
    assert_eq!(strict.is_ok(), lax.is_ok(), "what a browser makes of the root's constraints must not matter");
    strict
}

#[test]
fn p8_who_installs_the_authority_trusts_it_with_this_device_only() {
    let own = names(&["rose", "rose.local"], &["192.0.2.7", "fd00::7"]);
    let authority = Authority::new(&own).unwrap();
    let issued = authority.issue(&own, NOW).unwrap();
    for host in ["rose", "rose.local", "192.0.2.7", "fd00::7"] {
        judged(&authority, &issued, host, NOW).unwrap();
    }
    assert!(judged(&authority, &issued, "192.0.2.8", NOW).is_err());
    for (hosts, addresses, host) in [
        (&["bank.example"][..], &[][..], "bank.example"),
        (&["rose.local", "bank.example"], &[], "rose.local"),
        (&[], &["192.0.2.1"], "192.0.2.1"),
        (&[], &["fd00::8"], "fd00::8"),
        (&["rose.local"], &["192.0.2.1"], "rose.local"),
    ] {
        let forged = authority.issue(&names(hosts, addresses), NOW).unwrap();
        assert!(judged(&authority, &forged, host, NOW).is_err(), "{hosts:?} {addresses:?}");
    }
}

#[test]
fn p8_an_authority_without_addresses_permits_none() {
    let authority = Authority::new(&names(&["rose.local"], &[])).unwrap();
    for address in ["192.0.2.1", "fd00::8"] {
        let forged = authority.issue(&names(&["rose.local"], &[address]), NOW).unwrap();
        assert!(judged(&authority, &forged, address, NOW).is_err());
    }
}

#[test]
fn no_certificate_is_valid_longer_than_browsers_allow() {
    let own = names(&["rose.local"], &["192.0.2.7"]);
    let authority = Authority::new(&own).unwrap();
    let issued = authority.issue(&own, NOW).unwrap();
    let contents = CertificateContents::read(&issued.certificate).unwrap();
    assert_eq!(contents.not_after - contents.not_before + 1, VALIDITY);
    assert!(contents.not_after - contents.not_before < 398 * DAY);
    assert_eq!(contents.names, own);
    assert!(!contents.self_issued);
    assert_eq!(CertificateContents::read(&authority.root).unwrap().permitted, own);
    assert!(judged(&authority, &issued, "rose.local", contents.not_after + 1).is_err());
    judged(&authority, &issued, "rose.local", NOW - DAY / 2).unwrap();
}

#[test]
fn two_authorities_are_never_confused() {
    let own = names(&["rose.local"], &[]);
    let read = |certificate: &CertificateDer<'_>| {
        let (_rest, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
        (parsed.subject().to_string(), parsed.raw_serial_as_string())
    };
    let (first, second) = (Authority::new(&own).unwrap(), Authority::new(&own).unwrap());
    for (one, other) in [(&first.root, &second.root), (&first.issuer.certificate, &second.issuer.certificate)] {
        assert_ne!(read(one).0, read(other).0);
        assert_ne!(read(one).1, read(other).1);
    }
    let issued = || read(&first.issue(&own, NOW).unwrap().certificate).1;
    assert_ne!(issued(), issued());
}

fn device(folder: &Path) -> Certificates {
    Certificates::new(None, "rose", None, folder)
}

#[test]
fn p10_the_certificate_survives_a_restart_and_is_readable_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let here = addresses(&["192.0.2.7"]);
    let mut before = device(folder.path());
    let first = before.look(Clock::Believed(NOW), &here).unwrap();
    before.keep().unwrap();
    let second = device(folder.path()).look(Clock::Believed(NOW + DAY), &here).unwrap();
    assert_eq!(first.facts, second.facts);
    assert!(!first.facts.checked && first.facts.fingerprint.len() == 95);
    let file = folder.path().join("certificates/device.pem");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn p10_a_renewal_keeps_the_authority_and_a_foreign_address_makes_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut device = device(folder.path());
    let here = addresses(&["192.0.2.7", "192.0.2.8"]);
    let first = device.look(Clock::Believed(NOW), &here).unwrap();
    let renewed = device.look(Clock::Believed(NOW + 380 * DAY), &here).unwrap();
    assert_ne!(first.facts, renewed.facts);
    assert_eq!(first.authority, renewed.authority);
    let fewer = device.look(Clock::Believed(NOW + 380 * DAY), &addresses(&["192.0.2.8"])).unwrap();
    assert_eq!(first.authority, fewer.authority);
    assert_eq!(fewer.names.addresses.len(), 1);
    let moved = device.look(Clock::Believed(NOW + 380 * DAY), &addresses(&["198.51.100.7"])).unwrap();
    assert_ne!(first.authority, moved.authority);
}

#[test]
fn p10_without_a_clock_the_certificate_begins_when_this_version_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut device = device(folder.path());
    let made = device.look(Clock::Wrong, &addresses(&["192.0.2.7"])).unwrap();
    assert_eq!(made.faults, [Fault::Clock]);
    let bundle = device.bundle.as_ref().unwrap();
    judged(&bundle.authority, &bundle.own, "192.0.2.7", FLOOR + DAY).unwrap();
    judged(&bundle.authority, &bundle.own, "192.0.2.7", FLOOR + 395 * DAY).unwrap();
    // The clock is set, two years later: the certificate is renewed by the same authority.
    let set = device.look(Clock::Believed(FLOOR + 730 * DAY), &addresses(&["192.0.2.7"])).unwrap();
    assert_eq!(set.faults, []);
    assert_eq!(made.authority, set.authority);
    assert_ne!(made.facts, set.facts);
}

#[test]
fn p10_a_disk_that_cannot_be_written_leaves_the_certificate_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("blocked");
    fs::write(&blocked, "a file where the folder should be").unwrap();
    let mut device = device(&blocked);
    let first = device.look(Clock::Believed(NOW), &[]).unwrap();
    device.keep().unwrap_err();
    assert_eq!(device.look(Clock::Believed(NOW), &[]).unwrap().facts, first.facts);
    fs::remove_file(&blocked).unwrap();
    device.keep().unwrap();
    assert_eq!(
        Certificates::new(None, "rose", None, &blocked).look(Clock::Believed(NOW), &[]).unwrap().facts,
        first.facts
    );
}

#[test]
fn p10_a_damaged_file_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = device(folder.path());
    let first = before.look(Clock::Believed(NOW), &[]).unwrap();
    before.keep().unwrap();
    let file = folder.path().join("certificates/device.pem");
    let text = fs::read_to_string(&file).unwrap();
    for damaged in ["", "nonsense", &text[..text.len() / 2], &text.replace("PRIVATE", "PUBLIC")] {
        fs::write(&file, damaged).unwrap();
        let mut after = device(folder.path());
        assert_ne!(after.look(Clock::Believed(NOW), &[]).unwrap().facts, first.facts);
        after.keep().unwrap();
        assert!(Store::new(folder.path().join("certificates")).load().is_some());
    }
}

struct Operator {
    folder: tempfile::TempDir,
    files: OperatorFiles,
}

/// An operator with a certificate from an authority of their own.
fn operator(hosts: &[&str], from: Date) -> Operator {
    let folder = tempfile::tempdir().unwrap();
    let files = OperatorFiles { certificate: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
    let own = names(hosts, &[]);
    let authority = Authority::new(&own).unwrap();
    let issued = authority.issue(&own, from).unwrap();
    let (key, certificate) = issued.text.split_at(issued.text.find("-----BEGIN CERTIFICATE").unwrap());
    fs::write(&files.certificate, certificate).unwrap();
    fs::write(&files.key, key).unwrap();
    Operator { folder, files }
}

fn look(operator: &Operator, public_url: Option<&str>, clock: Clock) -> Certificate {
    let state = operator.folder.path().join("state");
    Certificates::new(Some(operator.files.clone()), "rose", public_url, &state).look(clock, &[]).unwrap()
}

#[test]
fn p8_the_operator_s_certificate_counts_as_checked_where_it_names_the_link() {
    let operator = operator(&["*.example.org", "room.example.org"], NOW);
    let clock = Clock::Believed(NOW);
    let found = look(&operator, None, clock);
    assert_eq!(found.faults, []);
    assert!(found.facts.checked && found.authority.is_none());
    assert_eq!(found.facts.host.as_deref(), Some("room.example.org"));
    assert!(look(&operator, Some("https://a.example.org:8443"), clock).facts.checked);
    assert!(!look(&operator, Some("https://room.example.com"), clock).facts.checked);
}

#[test]
fn p8_a_self_issued_certificate_of_the_operator_is_used_and_not_called_checked() {
    let operator = operator(&["room.example.org"], NOW);
    let own = rcgen::generate_simple_self_signed(["room.example.org".to_owned()]).unwrap();
    fs::write(&operator.files.certificate, own.cert.pem()).unwrap();
    fs::write(&operator.files.key, own.signing_key.serialize_pem()).unwrap();
    let found = look(&operator, None, Clock::Believed(NOW));
    assert_eq!(found.faults, []);
    assert!(!found.facts.checked && found.authority.is_none());
    assert_eq!(found.facts.fingerprint, facts::fingerprint(own.cert.der()));
}

#[test]
fn p10_an_operator_s_certificate_that_cannot_be_used_is_replaced_by_the_device_s() {
    let clock = Clock::Believed(NOW);
    type Spoil = fn(&Operator);
    let cases: [(&str, Spoil, Clock); 7] = [
        ("no file", |operator| fs::remove_file(&operator.files.certificate).unwrap(), clock),
        ("no key file", |operator| fs::remove_file(&operator.files.key).unwrap(), clock),
        ("not a certificate", |operator| fs::write(&operator.files.certificate, "x").unwrap(), clock),
        ("not a key", |operator| fs::write(&operator.files.key, "x").unwrap(), clock),
        (
            "another key",
            |operator| fs::write(&operator.files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap(),
            clock,
        ),
        ("expired", |_operator| {}, Clock::Believed(NOW + 400 * DAY)),
        ("not yet valid", |_operator| {}, Clock::Believed(NOW - 5 * DAY)),
    ];
    for (what, spoil, clock) in cases {
        let operator = operator(&["room.example.org"], NOW);
        spoil(&operator);
        let found = look(&operator, None, clock);
        assert_eq!(found.faults, [Fault::Certificate], "{what}");
        assert!(!found.facts.checked && found.authority.is_some(), "{what}");
    }
}

#[test]
fn p10_without_a_clock_the_operator_s_certificate_is_used_whatever_its_dates() {
    let found = look(&operator(&["room.example.org"], NOW), None, Clock::Wrong);
    assert_eq!(found.faults, [Fault::Clock]);
    assert!(found.facts.checked);
}
