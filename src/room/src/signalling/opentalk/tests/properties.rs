//! Whatever a server says, in whatever order.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Draw {
    Said(&'static str, Value),
    Text(String),
    Event(Event),
    Wait(u64),
}

fn said() -> impl Strategy<Value = Draw> {
    let id = || prop::sample::select(vec![OWN, OTHER, "0c", "0d"]);
    let connection = || prop::sample::select(vec!["c1", "c2", "c3"]);
    let status = || prop::sample::select(vec!["requested", "active", "paused", "inactive", "error", "in_use", "moon"]);
    prop_oneof![
        4 => any::<(bool, bool)>().prop_map(|(consents, runs)| {
            let mut join = join();
            join["module_data"]["recording"]["consents_recording"] = consents.into();
            join["module_data"]["recording"]["recording_state"]["status"] = if runs { "active" } else { "inactive" }.into();
            Draw::Said("core", join)
        }),
        2 => any::<bool>().prop_map(|enter| Draw::Said("core", json!({ "message": "joined_lobby", "participant_id": OWN, "connection_id": "c1", "can_enter": enter }))),
        2 => any::<bool>().prop_map(|old| Draw::Said("core", if old {
            json!({ "message": "in_waiting_room", "participant_id": OWN, "connection_id": "c1" })
        } else {
            json!({ "message": "in_waiting_room" })
        })),
        2 => Just(Draw::Said("moderation", json!({ "message": "accepted" }))),
        1 => Just(Draw::Said("moderation", json!({ "message": "sent_to_waiting_room" }))),
        1 => any::<bool>().prop_map(|enter| Draw::Said("moderation", json!({ "message": "entry_permission_changed", "can_enter": enter }))),
        2 => prop::sample::select(vec!["not_accepted", "display_name_required", "display_name_already_provided", "already_accepted", "already_in_room"])
            .prop_map(|error| Draw::Said("core", json!({ "message": "error", "error": error }))),
        3 => (id(), connection()).prop_map(|(id, connection)| Draw::Said("core", json!({ "message": "participant_connected", "participant_id": id,
            "connection_id": connection, "peer_data": { "core": core("n", "user", "guest") } }))),
        3 => (id(), connection()).prop_map(|(id, connection)| Draw::Said("core", json!({ "message": "participant_disconnected", "participant_id": id, "connection_id": connection }))),
        3 => (id(), any::<bool>()).prop_map(|(id, up)| Draw::Said("raise_hands", json!({ "message": if up { "hand_raised" } else { "hand_lowered" }, "participant": id }))),
        2 => Just(Draw::Said("moderation", json!({ "message": "muted", "moderator": OTHER }))),
        2 => prop::collection::vec(id(), 0..3).prop_map(|ids| Draw::Said("moderation", json!({ "message": "microphone_restrictions_enabled", "unrestricted_participants": ids }))),
        5 => status().prop_map(|status| Draw::Said("recording", json!({ "message": "recording_updated", "status": status }))),
        5 => (status(), any::<bool>()).prop_map(|(status, first)| Draw::Said("recording", json!({ "message": "stream_updated", "target_id": if first { "s1" } else { "s2" }, "status": status }))),
        3 => (id(), any::<bool>()).prop_map(|(id, consents)| Draw::Said("recording", json!({ "message": "consent_updated", "participant": id, "consents": consents }))),
        2 => Just(Draw::Said("livekit", json!({ "message": "credentials", "token": "t2", "public_url": "https://livekit.example" }))),
        1 => prop::sample::select(vec!["kicked", "banned"]).prop_map(|how| Draw::Said("moderation", json!({ "message": how, "reason": "kicked" }))),
        2 => (id(), "\\PC{0,9}").prop_map(|(id, content)| Draw::Said("chat", json!({ "message": "message_sent", "source": id, "content": content, "scope": "global" }))),
    ]
}

fn draws() -> impl Strategy<Value = Draw> {
    prop_oneof![
        20 => said(),
        1 => "\\PC{0,30}|\\{\"namespace\":\"core\",\"payload\":\\PC{0,20}\\}".prop_map(Draw::Text),
        6 => any::<bool>().prop_map(|agrees| Draw::Event(Event::Consent(agrees))),
        2 => any::<bool>().prop_map(|up| Draw::Event(Event::Hand(up))),
        2 => Just(Draw::Event(Event::Renew)),
        1 => Just(Draw::Event(Event::Say(text("x")))),
        2 => (0..20_000u64).prop_map(Draw::Wait),
    ]
}

proptest! {
    #[test]
    fn p2_p6_nothing_opens_and_nobody_agrees_but_who_was_asked(draws in prop::collection::vec(draws(), 1..80)) {
        let mut stage = Stage::new();
        let (mut asked, mut agreed, mut over) = (false, false, false);
        for draw in draws {
            let consents = matches!(draw, Draw::Event(Event::Consent(true)));
            let refuses = matches!(draw, Draw::Event(Event::Consent(false)));
            let out = match draw {
                Draw::Said(namespace, payload) => stage.hear(namespace, &payload),
                Draw::Text(message) => stage.step(Event::Message(text(&message))),
                Draw::Event(event) => stage.step(event),
                Draw::Wait(time) => {
                    stage.now += Duration::from_millis(time);
                    stage.step(Event::Tick)
                }
            };
            prop_assert!(!over || out.is_empty(), "after the end: {out:?}");
            if consents && asked {
                (agreed, asked) = (true, false);
            }
            if refuses {
                (agreed, asked) = (false, false);
            }
            for action in &out {
                match action {
                    Action::Tell(Told::Asks(wants)) => (asked, agreed) = (wants.is_some(), false),
                    // Who waits is recorded by nobody, and starts anew.
                    Action::Tell(Told::Waits) => (asked, agreed) = (false, false),
                    Action::Tell(Told::Over(_)) => over = true,
                    Action::Tell(_) | Action::Send(_) | Action::Close => {}
                }
            }
            for (namespace, payload) in sent(&out) {
                match (namespace.as_str(), payload["action"].as_str().unwrap_or_default()) {
                    ("recording", "set_consent") => prop_assert!(payload["consent"] == false || (agreed && consents), "P6"),
                    ("core", "enter_room" | "enter_waiting_room") => prop_assert!(!stage.session.is_in()),
                    ("raise_hands", "raise_hand" | "lower_hand") | ("chat", "send_message") | ("livekit", "create_new_access_token") => {
                        prop_assert!(stage.session.is_in());
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert!(stage.session.people().get(OWN).is_none(), "the room is none of the others");
            prop_assert_eq!(stage.session.over().is_some(), over);
            // A time that was named is not named again when it has come.
            if stage.session.deadline().is_some_and(|due| due <= stage.now) {
                over |= stage.step(Event::Tick).iter().any(|action| matches!(action, Action::Tell(Told::Over(_))));
                prop_assert!(stage.session.deadline().is_none_or(|due| due > stage.now));
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(message in "\\PC{0,200}", namespace in "core|moderation|recording|livekit|chat|breakout|error", name in "[a-z_]{0,30}", junk in "\\PC{0,40}") {
        let mut stage = Stage::joined();
        stage.step(Event::Message(text(&message)));
        let mut stage = Stage::joined();
        stage.hear(&namespace, &json!({ "message": name, "error": junk, "participant": junk, "target": junk, "reason": junk }));
    }
}
