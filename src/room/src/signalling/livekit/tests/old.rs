//! A server with two connections for everybody.

use super::*;

fn last() -> TrickleRequest {
    TrickleRequest { target: SignalTarget::Subscriber.into(), r#final: true, ..TrickleRequest::default() }
}

fn offered(out: &[Action]) -> Vec<(LinkId, String)> {
    let one = |action: &Action| match action {
        Action::Media(RoomToMedia::Description { link, kind: DescriptionKind::Offer, sdp, candidates: true }) => {
            Some((*link, sdp.reveal().clone()))
        }
        _ => None,
    };
    out.iter().filter_map(one).collect()
}

fn answers(out: &[Action]) -> Vec<u32> {
    asked(out).iter().filter_map(|ask| if let Ask::Answer(answer) = ask { Some(answer.id) } else { None }).collect()
}

fn greeted() -> Stage {
    let mut stage = Stage::on_an_old_server();
    stage.step(Event::MediaReady { h264: true });
    stage.step(Event::Sends(BOTH));
    stage.step(Event::Opened);
    stage.hear(Said::Join(join(&[person("PA_1", &[camera("TR_V1")])])));
    stage
}

#[test]
fn who_does_not_know_the_new_way_in_is_asked_for_the_old_one_at_once_and_only_then_given_up() {
    let mut stage = Stage::on_an_old_server();
    let Some(Action::Connect { address, token }) = stage.out.last() else { panic!("{:?}", stage.out) };
    assert_eq!(address, "/rtc?protocol=17&auto_subscribe=0&adaptive_stream=0");
    assert_eq!(token.reveal(), "token-1");
    stage.step(Event::Refused(Some(404)));
    assert_eq!(stage.session.over(), Some(End::NotFound));
}

#[test]
fn the_server_offers_and_the_room_answers_each_offer_once() {
    let mut stage = greeted();
    let (ours, theirs) = (stage.session.sending().unwrap(), stage.session.receiving().unwrap());
    assert_eq!((ours, theirs), (LinkId(41), LinkId(42)));
    stage.hear(offer(7, &[("1", "TR_V1")]));
    assert!(offered(&stage.out).is_empty(), "its candidates come by themselves");
    let said = stage.hear(Said::Trickle(last()));
    let [(link, sdp)] = offered(&said).try_into().unwrap();
    assert_eq!(link, theirs);
    assert!(sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n") && sdp.contains("a=sendonly"), "{sdp}");
    assert!(offered(&stage.hear(offer(8, &[]))).is_empty(), "media has one");
    assert!(stage.session.slots().next().is_none());
    let said = stage.step(Event::Answered { link: theirs, sdp: Pii::new(ANSWER.to_owned()) });
    assert_eq!((answers(&said), offered(&said).len()), (vec![7], 1));
    assert_eq!(stage.session.slots().collect::<Vec<_>>(), [("1", "TR_V1")]);
    let said = stage.step(Event::Answered { link: theirs, sdp: Pii::new(ANSWER.to_owned()) });
    assert_eq!(answers(&said), [8]);
    assert!(stage.session.slots().next().is_none());
    assert!(answers(&stage.step(Event::Answered { link: theirs, sdp: Pii::new(ANSWER.to_owned()) })).is_empty());
}

#[test]
fn an_offer_that_comes_before_media_is_there_is_kept() {
    let mut stage = Stage::on_an_old_server();
    stage.step(Event::Opened);
    stage.hear(Said::Join(join(&[])));
    stage.hear(offer(7, &[]));
    stage.hear(Said::Trickle(last()));
    assert_eq!(stage.session.receiving(), None);
    let said = stage.step(Event::MediaReady { h264: true });
    assert_eq!(offered(&said).len(), 1);
}

#[test]
fn an_offer_that_media_makes_nothing_of_begins_it_anew() {
    let mut stage = greeted();
    stage.hear(offer(7, &[]));
    stage.hear(Said::Trickle(last()));
    let said = stage.wait(Duration::from_secs(5));
    let closed = said.iter().filter(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. }))).count();
    assert_eq!(closed, 2, "{said:?}");
}

#[test]
fn a_cut_socket_is_no_reason_to_stay_away_but_to_come_as_somebody_new() {
    let mut stage = greeted();
    let said = stage.step(Event::Closed);
    assert!(told(&said).contains(&&Told::Interrupted));
    let closed = said.iter().filter(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. }))).count();
    assert_eq!(closed, 2);
    let said = stage.wait(Duration::from_secs(1));
    assert!(matches!(said.as_slice(), [Action::Connect { address, .. }] if address.starts_with("/rtc?")));
    stage.step(Event::Opened);
    let said = stage.hear(Said::Join(join(&[])));
    assert!(told(&said).contains(&&Told::Joined));
    assert_eq!((stage.session.sending(), stage.session.receiving()), (Some(LinkId(43)), Some(LinkId(44))));
}

#[test]
fn a_link_without_a_path_takes_the_other_with_it() {
    for sending in [true, false] {
        let mut stage = greeted();
        let link = if sending { stage.session.sending() } else { stage.session.receiving() }.unwrap();
        let said = stage.step(Event::Link { link, state: LinkState::Failed(LinkFault::Path) });
        let closed = said.iter().filter(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. })));
        assert_eq!((closed.count(), stage.session.sending(), stage.session.receiving()), (1, None, None));
    }
    let mut stage = greeted();
    let link = stage.session.sending().unwrap();
    stage.step(Event::Link { link, state: LinkState::Silent });
    assert!(stage.session.sending().is_some(), "nothing has to come on it");
}
