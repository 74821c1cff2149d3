//! P7: told first.

use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::Stage;

#[test]
fn p7_the_notice_is_complete_in_both_languages_before_anybody_knocks() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    for language in ["de", "en"] {
        let reply = room.client().get(&format!("/api/notice?lang={language}")).unwrap();
        assert_eq!(reply.status, 200);
        let notice = reply.json();
        let sections = notice["sections"].as_array().unwrap();
        assert!(sections.len() >= 5, "tool, purposes, legal basis, retention, operator: {notice}");
        for section in sections {
            assert!(!section["title"].as_str().unwrap().is_empty() && !section["text"].as_str().unwrap().is_empty());
        }
        for fact in ["Test operator", "1 Test Street", "privacy@example.org"] {
            assert!(reply.body.contains(fact), "{fact} of the configuration is told: {notice}");
        }
    }
}
