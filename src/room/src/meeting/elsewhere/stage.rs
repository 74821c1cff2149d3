//! Who is shown: a shared screen before all, else who speaks, large; others small, without jumping about.

/// A picture that could be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<S, O> {
    /// The stream.
    pub source: S,
    /// Whose.
    pub owner: O,
    /// It is a shared screen.
    pub screen: bool,
}

/// The pictures that are shown, the large one first. `candidates` as they came, `speaker` who speaks or spoke last, `before` what was shown
/// before.
#[must_use]
pub fn stage<S: Clone + PartialEq, O: PartialEq>(
    candidates: &[Candidate<S, O>],
    speaker: Option<&O>,
    before: &[S],
    most: usize,
) -> Vec<S> {
    let there = |source: &&S| candidates.iter().any(|candidate| candidate.source == **source);
    // The screen that was shared last: who shares means to be looked at.
    let screen = candidates.iter().rev().find(|candidate| candidate.screen).map(|candidate| &candidate.source);
    let speaks = || candidates.iter().find(|candidate| Some(&candidate.owner) == speaker && !candidate.screen);
    let large = screen
        .or_else(|| speaks().map(|candidate| &candidate.source))
        .or_else(|| before.first().filter(there))
        .or_else(|| candidates.first().map(|candidate| &candidate.source));
    let mut shown: Vec<S> = large.into_iter().cloned().collect();
    // A speaker is seen beside a shared screen, too.
    let rest = speaks().map(|candidate| &candidate.source).into_iter().filter(|_| screen.is_some());
    let rest = rest.chain(before.iter().filter(there)).chain(candidates.iter().map(|candidate| &candidate.source));
    for source in rest {
        if shown.len() >= most {
            break;
        }
        if !shown.contains(source) {
            shown.push(source.clone());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type One = Candidate<String, String>;

    fn id(name: &str) -> String {
        name.to_owned()
    }

    fn camera(name: &str) -> One {
        Candidate { source: format!("{name}-v0"), owner: id(name), screen: false }
    }

    fn screen(name: &str) -> One {
        Candidate { source: format!("{name}-v1"), owner: id(name), screen: true }
    }

    fn names(shown: &[String]) -> Vec<&str> {
        shown.iter().map(String::as_str).collect()
    }

    #[test]
    fn who_speaks_is_large_and_stays_so_until_another_speaks() {
        let all = [camera("a"), camera("b"), camera("c")];
        let first = stage(&all, None, &[], 6);
        assert_eq!(names(&first), ["a-v0", "b-v0", "c-v0"]);
        let second = stage(&all, Some(&id("c")), &first, 6);
        assert_eq!(names(&second), ["c-v0", "a-v0", "b-v0"]);
        // Silence changes nothing, nor does one who speaks without a picture.
        assert_eq!(stage(&all, None, &second, 6), second);
        assert_eq!(stage(&all, Some(&id("d")), &second, 6), second);
        // The large one leaves.
        assert_eq!(names(&stage(&all[..2], None, &second, 6)), ["a-v0", "b-v0"]);
    }

    #[test]
    fn a_shared_screen_comes_before_all_and_its_speaker_beside_it() {
        let all = [camera("a"), camera("b"), screen("b"), camera("c")];
        let shown = stage(&all, Some(&id("c")), &[], 3);
        assert_eq!(names(&shown), ["b-v1", "c-v0", "a-v0"]);
        let newer = [camera("a"), screen("a"), camera("b"), screen("b")];
        assert_eq!(names(&stage(&newer, None, &[], 6)).first(), Some(&"b-v1"));
    }

    proptest! {
        #[test]
        fn nobody_is_shown_twice_nor_who_is_not_there_and_as_many_as_fit(
            people in prop::collection::btree_set("[a-f]", 0..6), screens in prop::collection::btree_set("[a-f]", 0..3),
            speaker in prop::option::of("[a-h]"), before in prop::collection::vec("[a-h]", 0..6), most in 0_usize..7,
        ) {
            let all: Vec<One> = people.iter().map(|name| camera(name)).chain(screens.iter().map(|name| screen(name))).collect();
            let before: Vec<String> = before.iter().map(|name| format!("{name}-v0")).collect();
            let shown = stage(&all, speaker.as_deref().map(id).as_ref(), &before, most);
            let unique: std::collections::BTreeSet<_> = shown.iter().collect();
            prop_assert_eq!(unique.len(), shown.len());
            prop_assert!(shown.iter().all(|source| all.iter().any(|one| one.source == *source)));
            prop_assert_eq!(shown.len(), all.len().min(most.max(usize::from(!all.is_empty()))));
        }
    }
}
