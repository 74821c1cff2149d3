//! Phones at the desk: from the press that shows a code to the end.

use tokio::sync::watch;

use super::*;
use crate::remote::{
    Attempt, CODE_LASTS, PairingRefusal, PhoneEvent, PhoneKey, PhonePhase, PhoneRequest, PhoneView, Proposed,
};
use crate::screen::view::{CodeView, JoiningView, ProposedView};

// Reserved names have no addresses (RFC 6761, section 6.4): nobody is reached by accident.
const LINK: &str = "https://meet.invalid/Rose?jwt=secret";

fn awake() -> Stage {
    let mut configuration = Configuration::default();
    configuration.room.language = Language::English;
    let mut stage = staged(configuration);
    stage.guard_connects();
    stage.wake();
    stage
}

/// The same, with one phone.
fn paired() -> (Stage, PhoneKey) {
    let mut stage = awake();
    let code = stage.code().unwrap();
    let key = stage.pair(code.code.reveal()).unwrap();
    (stage, key)
}

impl Stage {
    fn code(&mut self) -> Option<CodeView> {
        self.view().remote.code
    }

    fn ask<T>(&mut self, request: impl FnOnce(oneshot::Sender<T>) -> PhoneRequest) -> T {
        let (reply, mut answer) = oneshot::channel();
        self.desk.request(self.now, GuestRequest::Phone(request(reply)));
        answer.try_recv().unwrap()
    }

    fn pair(&mut self, code: &str) -> Result<PhoneKey, PairingRefusal> {
        let secret = Secret::Pin(Pii::new(code.to_owned()));
        let attempt = Attempt { address: Pii::new(IpAddr::from([192, 0, 2, 9])), secret };
        self.ask(|reply| PhoneRequest::Pair(attempt, reply))
    }

    fn hears(&mut self, key: &PhoneKey) -> Option<watch::Receiver<PhoneEvent>> {
        self.ask(|reply| PhoneRequest::Listen(key.clone(), Language::German, reply))
    }

    fn propose(&mut self, key: &PhoneKey, link: &str) -> Proposed {
        let (key, link) = (key.clone(), Pii::new(link.to_owned()));
        self.ask(|reply| PhoneRequest::Propose { key, link, language: Language::English, reply })
    }

    fn press(&mut self) {
        self.guard(GuardToRoom::Press { woke: false });
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.desk.tick(self.now);
    }
}

#[track_caller]
fn state(stream: &watch::Receiver<PhoneEvent>) -> PhoneView {
    match &*stream.borrow() {
        PhoneEvent::State(view) => (**view).clone(),
        PhoneEvent::Ended => panic!("it has ended"),
    }
}

#[track_caller]
fn refused(answer: Proposed, word: &str) {
    let Proposed::Refused(sentence) = answer else { panic!("{answer:?}") };
    assert!(sentence.contains(word), "{sentence}");
}

#[test]
fn p2_the_press_that_wakes_shows_a_code_for_a_minute_and_the_next_one_another() {
    let mut stage = stage();
    stage.guard_connects();
    assert_eq!(stage.pair("123456"), Err(PairingRefusal::NoCode));
    assert!(stage.view().remote.code.is_none());
    // That the room is awake is no press: a room that starts again shows no code by itself.
    stage.guard(GuardToRoom::State(guard_state(true)));
    assert!(matches!(stage.view(), View { phase: Phase::Awake { .. }, remote, .. } if remote.code.is_none()));
    stage.guard(GuardToRoom::Press { woke: true });
    let first = stage.code().unwrap();
    assert_eq!(first.link.reveal(), "https://192.0.2.7:8443/remote");
    assert!(first.link_with_token.reveal().starts_with("https://192.0.2.7:8443/remote#"));
    assert_eq!(stage.desk.deadline(stage.now), Some(stage.now + CODE_LASTS));
    stage.pass(60);
    assert_eq!(stage.code(), None);
    assert_eq!(stage.pair(first.code.reveal()), Err(PairingRefusal::NoCode));
    stage.press();
    let second = stage.code().unwrap();
    assert_ne!(first.link_with_token, second.link_with_token);
    assert!(stage.pair(second.code.reveal()).is_ok());
    assert_eq!((stage.view().remote.phones, stage.pair(second.code.reveal())), (1, Err(PairingRefusal::NoCode)));
}

#[test]
fn p2_wrong_codes_are_bounded() {
    let mut stage = awake();
    let code = stage.code().unwrap().code.into_revealed();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..3 {
        assert!(matches!(stage.pair(wrong), Err(PairingRefusal::WrongCode { .. })));
    }
    // Not even the right one is looked at now.
    assert!(matches!(stage.pair(&code), Err(PairingRefusal::TooEarly { retry_after_ms: 1..=1000 })));
    stage.pass(1);
    assert!(stage.pair(&code).is_ok());
}

#[tokio::test]
async fn p2_a_phones_link_is_on_the_screen_and_only_a_press_that_can_mean_it_joins() {
    let (mut stage, key) = paired();
    let stream = stage.hears(&key).unwrap();
    assert_eq!(state(&stream).phase, PhonePhase::Free);
    assert_eq!(stage.propose(&key, LINK), Proposed::Shown);
    let Phase::Proposed { meeting: ProposedView { host, by_phone: true, .. } } = stage.view().phase else { panic!() };
    assert_eq!(host.reveal(), "meet.invalid");
    let told = state(&stream);
    assert_eq!((told.phase, told.operator), (PhonePhase::Proposed, None));
    assert_eq!(told.host.map(Pii::into_revealed).as_deref(), Some("meet.invalid"));
    let (reply, mut status) = oneshot::channel();
    stage.desk.request(stage.now, GuestRequest::Status(reply));
    assert!(status.try_recv().unwrap().contacts.is_empty());
    // What people read is not changed under their eyes, and a word about lamps is no press.
    refused(stage.propose(&key, "https://other.invalid/Rose"), "Withdraw it first");
    stage.guard(GuardToRoom::State(guard_state(true)));
    assert_eq!(state(&stream).phase, PhonePhase::Proposed);
    // A press that was on its way when the link came up meant something else.
    stage.press();
    assert_eq!(state(&stream).phase, PhonePhase::Proposed);
    stage.pass(1);
    stage.press();
    assert_eq!(state(&stream).phase, PhonePhase::Joining);
    let view = stage.view();
    assert!(matches!(view.phase, Phase::Joining { says: JoiningView::Connecting, .. }));
    assert_eq!(view.remote.phones, 1, "the phone that gave the link can end it");
    assert_eq!(stage.knock("123456"), Err(KnockRefusal::Asleep), "the room's own meeting has ended");
    refused(stage.propose(&key, LINK), "already");
}

#[tokio::test]
async fn a_phone_withdraws_and_leaves_and_opens_nothing() {
    let mut configuration = Configuration::default();
    configuration.room.language = Language::English;
    let mut stage = staged(configuration);
    let mut guard = stage.guard_connects();
    stage.wake();
    let code = stage.code().unwrap();
    let key = stage.pair(code.code.reveal()).unwrap();
    let stream = stage.hears(&key).unwrap();
    assert_eq!(stage.propose(&key, LINK), Proposed::Shown);
    assert!(stage.ask(|reply| PhoneRequest::Leave(key.clone(), reply)));
    let told = state(&stream);
    assert_eq!((told.phase, told.sentence.is_some()), (PhonePhase::Free, true));
    assert!(matches!(stage.view().phase, Phase::Awake { .. }));
    assert_eq!(stage.propose(&key, LINK), Proposed::Shown);
    stage.pass(120);
    assert!(state(&stream).sentence.unwrap().contains("vergessen"), "{:?}", state(&stream));
    assert_eq!(stage.propose(&key, LINK), Proposed::Shown);
    stage.pass(1);
    stage.press();
    let (forgets, said) = (*stage.forgets.borrow(), |guard: &mut _| {
        spoken::<RoomToGuard>(guard).into_iter().map(|frame| frame.message).collect::<Vec<_>>()
    });
    assert_eq!(said(&mut guard), []);
    assert!(stage.ask(|reply| PhoneRequest::Leave(key.clone(), reply)));
    assert_eq!(said(&mut guard), [RoomToGuard::Sleep]);
    stage.guard(GuardToRoom::State(guard_state(false)));
    // Its pairing ends with it, and what it has sent is wiped from every buffer (P6).
    assert_eq!(*stream.borrow(), PhoneEvent::Ended);
    assert_eq!(*stage.forgets.borrow(), forgets + 1);
    assert!(stage.hears(&key).is_none());
    assert_eq!(stage.propose(&key, LINK), Proposed::Stranger);
    assert!(!stage.ask(|reply| PhoneRequest::Leave(key.clone(), reply)));
    assert!(!stage.ask(|reply| PhoneRequest::Password { key, password: Pii::new(String::new()), reply }));
}

#[test]
fn guests_come_first() {
    let (mut stage, key) = paired();
    let stream = stage.hears(&key).unwrap();
    stage.press();
    assert!(stage.code().is_some());
    let invitation = {
        stage.press();
        stage.invitation()
    };
    assert_eq!(stage.propose(&key, LINK), Proposed::Shown);
    assert!(stage.view().remote.code.is_none(), "what is not on the screen is not valid");
    let session = stage.knock(invitation.pin.reveal()).unwrap();
    let _events = stage.listen(&session).unwrap();
    assert!(matches!(stage.view().phase, Phase::Asking { .. }));
    let told = state(&stream);
    assert_eq!((told.phase, told.sentence.is_some()), (PhonePhase::Guests, true));
    refused(stage.propose(&key, LINK), "End it first");
    stage.now += Duration::from_secs(5);
    stage.press();
    let view = stage.view();
    assert!(matches!(view.phase, Phase::InCall { .. }), "the press has admitted");
    assert!(view.remote.code.is_none(), "and has done nothing else");
    stage.press();
    assert!(stage.code().is_some(), "with nobody at the door it pairs a phone");
}

#[test]
fn links_that_cannot_be_joined_are_refused_in_the_phones_language() {
    let (mut stage, key) = paired();
    for link in ["", "rose", "http:///", "javascript:alert(1)", "https://a:b@meet.invalid/x", &"x".repeat(9000)] {
        assert!(matches!(stage.propose(&key, link), Proposed::Refused(_)), "{link}");
    }
    assert!(matches!(stage.view().phase, Phase::Awake { .. }));
    let mut configuration = Configuration::default();
    configuration.servers.unknown = crate::servers::Policy::Refuse;
    let mut stage = staged(configuration);
    stage.guard_connects();
    stage.wake();
    let code = stage.code().unwrap();
    let key = stage.pair(code.code.reveal()).unwrap();
    refused(stage.propose(&key, LINK), "operator’s rule");
    stage.now += Duration::from_secs(5);
    stage.press();
    assert!(matches!(stage.view().phase, Phase::Awake { .. }));
}

#[test]
fn several_phones_agree_and_a_phone_has_few_pages() {
    let (mut stage, first) = paired();
    stage.press();
    let code = stage.code().unwrap();
    let second = stage.pair(code.code.reveal()).unwrap();
    let (one, other) = (stage.hears(&first).unwrap(), stage.hears(&second).unwrap());
    assert_eq!(stage.propose(&second, LINK), Proposed::Shown);
    assert_eq!(state(&one), state(&other));
    assert_eq!((state(&one).phones, state(&one).phase), (2, PhonePhase::Proposed));
    let more: Vec<_> = (0..4).map(|_| stage.hears(&first).unwrap()).collect();
    assert_eq!(*one.borrow(), PhoneEvent::Ended, "the oldest page has ended");
    assert!(more.iter().all(|stream| state(stream).phones == 2));
    assert_eq!(state(&other).phones, 2, "the other phone's has not");
}

#[test]
fn p9_what_phones_say_prints_nothing() {
    let secret = || Pii::new("hush".to_owned());
    let attempt = Attempt { address: Pii::new(IpAddr::from([192, 0, 2, 9])), secret: Secret::Pin(secret()) };
    let code = CodeView { link: secret(), link_with_token: secret(), code: secret() };
    let printed = format!("{attempt:?} {:?} {code:?}", PhoneKey(secret()));
    assert!(!printed.contains("hush") && !printed.contains("192"), "{printed}");
}
