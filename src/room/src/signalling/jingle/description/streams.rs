//! Who sends what: every stream that the focus has named, and whose an SSRC is.
//!
//! The SSRC on the wire decides, never the line it arrived on: a packet that outruns its description is given to any
//! line by webrtcbin (measured), and the bridge's probing comes as a stream of its own.

use subrosa_messages::media::Kind;

use super::super::limits;
use super::super::source::{EndpointId, Group, Owner, Semantics, Source, SourceName, Sources, VideoType};

/// A stream with its SSRCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name.
    pub name: SourceName,
    /// Whose.
    pub owner: Owner,
    /// Sound or picture.
    pub kind: Kind,
    /// What it shows, where that was said.
    pub shows: Option<VideoType>,
    /// All its SSRCs, as named.
    pub ssrcs: Vec<u32>,
    groups: Vec<(Semantics, Vec<u32>)>,
}

impl Stream {
    /// The SSRC that carries it: the first of those of several sizes, else the one that is retransmitted, else the first.
    #[must_use]
    pub fn primary(&self) -> Option<u32> {
        let first = |semantics| {
            let group = self.groups.iter().find(|(known, _)| *known == semantics);
            group.and_then(|(_, ssrcs)| ssrcs.first()).copied()
        };
        first(Semantics::Simulcast)
            .or_else(|| first(Semantics::FlowIdentification))
            .or_else(|| self.ssrcs.first().copied())
    }

    /// The SSRC of its retransmissions.
    #[must_use]
    pub fn retransmission(&self) -> Option<u32> {
        let primary = self.primary()?;
        self.groups.iter().find_map(|(semantics, ssrcs)| match (semantics, ssrcs.as_slice()) {
            (Semantics::FlowIdentification, [first, second]) if *first == primary => Some(*second),
            _ => None,
        })
    }
}

/// All streams, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streams(Vec<Stream>);

impl Streams {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.0.iter()
    }

    /// Whose an SSRC is.
    #[must_use]
    pub fn who(&self, ssrc: u32) -> Option<&Stream> {
        self.0.iter().find(|stream| stream.ssrcs.contains(&ssrc))
    }

    /// The stream of this name.
    #[must_use]
    pub fn named(&self, name: &SourceName) -> Option<&Stream> {
        self.0.iter().find(|stream| stream.name == *name)
    }

    /// Sources have come. An SSRC stays whose it was until it is removed; a name that comes again with SSRCs that have
    /// nothing to do with those it had takes the new ones (a peer whose session was restarted).
    pub fn add(&mut self, sources: &Sources) {
        let mut renewed: Vec<SourceName> = Vec::new();
        for source in &sources.sources {
            let Some((owner, name)) = identity(source) else { continue };
            if self.who(source.ssrc).is_some() || self.count() >= limits::SOURCES {
                continue;
            }
            let known = self.0.iter_mut().find(|stream| stream.name == name);
            let Some(stream) = known else {
                renewed.push(name.clone());
                let ssrcs = vec![source.ssrc];
                self.0.push(Stream { name, owner, kind: source.kind, shows: source.shows, ssrcs, groups: Vec::new() });
                continue;
            };
            if stream.owner != owner || stream.kind != source.kind {
                continue;
            }
            let joins = sources.groups.iter().any(|group| {
                group.ssrcs.contains(&source.ssrc) && group.ssrcs.iter().any(|ssrc| stream.ssrcs.contains(ssrc))
            });
            if !renewed.contains(&name) && !joins {
                stream.ssrcs.clear();
                stream.groups.clear();
            }
            renewed.push(name);
            stream.ssrcs.push(source.ssrc);
            stream.shows = source.shows.or(stream.shows);
        }
        for group in &sources.groups {
            self.group(group);
        }
    }

    /// Puts a group to the stream that has all its SSRCs.
    fn group(&mut self, group: &Group) {
        let mut streams = self.0.iter_mut();
        let stream = streams.find(|stream| group.ssrcs.iter().all(|ssrc| stream.ssrcs.contains(ssrc)));
        let Some(stream) = stream.filter(|_| !group.ssrcs.is_empty()) else { return };
        let entry = (group.semantics, group.ssrcs.clone());
        if !stream.groups.contains(&entry) && stream.groups.len() < limits::GROUP {
            stream.groups.push(entry);
        }
    }

    /// Sources have gone: only their SSRCs count, as with jicofo.
    pub fn remove(&mut self, sources: &Sources) {
        for stream in &mut self.0 {
            stream.ssrcs.retain(|ssrc| !sources.sources.iter().any(|source| source.ssrc == *ssrc));
            let left = &stream.ssrcs;
            stream.groups.retain(|(_, ssrcs)| ssrcs.iter().all(|ssrc| left.contains(ssrc)));
        }
        self.0.retain(|stream| !stream.ssrcs.is_empty());
    }

    /// Somebody has left: jicofo says nothing about their sources.
    pub fn forget(&mut self, endpoint: &EndpointId) {
        self.0.retain(|stream| !matches!(&stream.owner, Owner::Endpoint(owner) if owner == endpoint));
    }

    fn count(&self) -> usize {
        self.0.iter().map(|stream| stream.ssrcs.len()).sum()
    }
}

/// Whose a source is and what it is called; older servers say only one of both.
fn identity(source: &Source) -> Option<(Owner, SourceName)> {
    let owner = match (&source.owner, &source.name) {
        (Some(owner), _) => owner.clone(),
        (None, Some(name)) => {
            let (endpoint, _) = name.as_str().rsplit_once('-')?;
            Owner::read(endpoint).ok()?
        }
        (None, None) => return None,
    };
    let name = match (&source.name, &owner) {
        (Some(name), _) => name.clone(),
        (None, Owner::Endpoint(endpoint)) => SourceName::of(endpoint, source.kind, 0),
        (None, Owner::Bridge) => SourceName::of(&EndpointId::read("jvb").ok()?, source.kind, 0),
    };
    Some((owner, name))
}

#[cfg(test)]
mod tests {
    use subrosa_messages::Pii;

    use super::*;

    fn source(name: &str, ssrc: u32) -> Source {
        let kind = if name.contains("-a") { Kind::Audio } else { Kind::Video };
        Source { ssrc, kind, name: Some(SourceName(Pii::new(name.into()))), owner: None, msid: None, shows: None }
    }

    fn sources(sources: &[(&str, u32)], groups: &[(Semantics, &[u32])]) -> Sources {
        let group = |(semantics, ssrcs): &(Semantics, &[u32])| Group {
            kind: Kind::Video,
            semantics: *semantics,
            ssrcs: ssrcs.to_vec(),
        };
        Sources {
            sources: sources.iter().map(|(name, ssrc)| source(name, *ssrc)).collect(),
            groups: groups.iter().map(group).collect(),
        }
    }

    const FID: Semantics = Semantics::FlowIdentification;

    fn shape(streams: &Streams) -> Vec<(String, Option<u32>, Option<u32>)> {
        let shape = |stream: &Stream| (stream.name.as_str().to_owned(), stream.primary(), stream.retransmission());
        streams.iter().map(shape).collect()
    }

    #[test]
    fn an_ssrc_says_whose_it_is_until_it_is_removed() {
        let mut streams = Streams::default();
        streams.add(&sources(&[("a-v0", 11), ("a-v0", 12), ("a-a0", 13)], &[(FID, &[11, 12])]));
        streams.add(&sources(&[("b-v0", 21), ("b-v0", 11)], &[]));
        assert_eq!(
            shape(&streams),
            [("a-v0".into(), Some(11), Some(12)), ("a-a0".into(), Some(13), None), ("b-v0".into(), Some(21), None),]
        );
        assert_eq!(streams.who(12).map(|stream| stream.name.as_str()), Some("a-v0"));
        assert_eq!(streams.who(99), None);
        streams.remove(&sources(&[("nobody", 12)], &[]));
        assert_eq!(shape(&streams).first(), Some(&("a-v0".into(), Some(11), None)));
        streams.forget(&EndpointId::read("a").unwrap());
        assert_eq!(shape(&streams), [("b-v0".into(), Some(21), None)]);
        assert_eq!(streams.who(11), None);
    }

    #[test]
    fn a_name_that_comes_again_takes_its_new_numbers_or_only_a_new_retransmission() {
        let mut streams = Streams::default();
        streams.add(&sources(&[("a-v0", 11), ("a-v0", 12)], &[(FID, &[11, 12])]));
        streams.add(&sources(&[("a-v0", 31), ("a-v0", 32)], &[(FID, &[31, 32])]));
        assert_eq!(shape(&streams), [("a-v0".into(), Some(31), Some(32))]);
        assert_eq!(streams.who(11), None);
        streams.remove(&sources(&[("a-v0", 32)], &[]));
        streams.add(&sources(&[("a-v0", 42)], &[(FID, &[31, 42])]));
        assert_eq!(shape(&streams), [("a-v0".into(), Some(31), Some(42))]);
    }

    #[test]
    fn of_several_sizes_the_first_carries_it() {
        let mut streams = Streams::default();
        let simulcast = (Semantics::Simulcast, &[2_u32, 3, 4] as &[u32]);
        let ssrcs = [("a-v0", 9), ("a-v0", 2), ("a-v0", 3), ("a-v0", 4)];
        streams.add(&sources(&ssrcs, &[(FID, &[3, 9]), simulcast, (FID, &[2, 9])]));
        assert_eq!(shape(&streams), [("a-v0".into(), Some(2), Some(9))]);
    }

    #[test]
    fn there_is_an_end_to_how_many_are_kept() {
        let mut streams = Streams::default();
        for chunk in 0..10_u32 {
            let names: Vec<(String, u32)> = (1..1000).map(|n| (format!("{chunk}x{n}-v0"), chunk * 1000 + n)).collect();
            let names: Vec<(&str, u32)> = names.iter().map(|(name, ssrc)| (name.as_str(), *ssrc)).collect();
            streams.add(&sources(&names, &[]));
        }
        assert_eq!(streams.count(), limits::SOURCES);
    }
}
