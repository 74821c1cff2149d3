//! Sources as JSON, the form that jicofo takes for a client that lists `http://jitsi.org/json-encoded-sources`:
//! `{"sources":{owner:[[video],[video groups],[audio],[audio groups]]}}`, where the last lists may be missing.

use serde_json::{Map, Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::Kind;

use super::error::JingleError;
use super::source::{Group, Owner, Semantics, Source, SourceName, Sources, VideoType};
use super::{limits, text};

const WHAT: &str = "list of sources (JSON)";

/// Reads the text of a `<json-message>`.
///
/// # Errors
/// When it is no such list, or too long.
pub fn read(message: &str) -> Result<Sources, JingleError> {
    if message.len() > limits::JSON {
        return Err(JingleError::TooMany("bytes of sources"));
    }
    let value: Value = serde_json::from_str(message).map_err(|_| JingleError::Invalid(WHAT))?;
    let owners = value.get("sources").and_then(Value::as_object).ok_or(JingleError::Missing(WHAT))?;
    let mut all = Sources::default();
    for (owner, lists) in owners {
        let owner = Owner::read(owner)?;
        let lists = lists.as_array().ok_or(JingleError::Invalid(WHAT))?;
        let list = |index: usize| match lists.get(index) {
            Some(list) => list.as_array().map(Vec::as_slice).ok_or(JingleError::Invalid(WHAT)),
            None => Ok(&[] as &[Value]),
        };
        for (kind, sources, groups) in [(Kind::Video, 0, 1), (Kind::Audio, 2, 3)] {
            let sources = list(sources)?.iter().map(|source| read_source(source, kind, &owner));
            let groups = list(groups)?.iter().map(|group| read_group(group, kind));
            let of_owner =
                Sources { sources: sources.collect::<Result<_, _>>()?, groups: groups.collect::<Result<_, _>>()? };
            all.extend(of_owner)?;
        }
    }
    Ok(all)
}

fn ssrc(value: &Value) -> Result<u32, JingleError> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| *number != 0).ok_or(JingleError::Invalid("ssrc"))
}

fn read_source(value: &Value, kind: Kind, owner: &Owner) -> Result<Source, JingleError> {
    let word = |key: &str| value.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
    Ok(Source {
        ssrc: ssrc(value.get("s").ok_or(JingleError::Missing("ssrc"))?)?,
        kind,
        name: word("n").map(SourceName::read).transpose()?,
        owner: Some(owner.clone()),
        msid: word("m").map(|msid| text::line(msid, limits::TEXT, "msid")).transpose()?.map(Pii::new),
        shows: match word("v") {
            Some("c") => Some(VideoType::Camera),
            Some("d") => Some(VideoType::Desktop),
            Some(_) | None => None,
        },
    })
}

fn read_group(value: &Value, kind: Kind) -> Result<Group, JingleError> {
    let (semantics, ssrcs) =
        value.as_array().and_then(|group| group.split_first()).ok_or(JingleError::Invalid(WHAT))?;
    if ssrcs.len() > limits::GROUP {
        return Err(JingleError::TooMany("sources in a group"));
    }
    let semantics = match semantics.as_str() {
        Some("f") => Semantics::FlowIdentification,
        Some("s") => Semantics::Simulcast,
        Some(_) | None => Semantics::Other,
    };
    Ok(Group { kind, semantics, ssrcs: ssrcs.iter().map(ssrc).collect::<Result<_, _>>()? })
}

/// The text of a `<json-message>`. Sources without an owner are left out: the form has no place for them.
#[must_use]
pub fn write(sources: &Sources) -> String {
    let mut owners: Vec<&Owner> = Vec::new();
    for owner in sources.sources.iter().filter_map(|source| source.owner.as_ref()) {
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    let lists = owners.into_iter().map(|owner| (owner.as_str().to_owned(), write_owner(sources, owner)));
    json!({ "sources": lists.collect::<Map<String, Value>>() }).to_string()
}

fn write_owner(all: &Sources, owner: &Owner) -> Value {
    let of =
        |kind| all.sources.iter().filter(move |source| source.kind == kind && source.owner.as_ref() == Some(owner));
    let sources = |kind| of(kind).map(write_source).collect::<Vec<_>>();
    let groups = |kind| {
        // A group of nothing is nobody's, and would be everybody's.
        let ours = |group: &&Group| {
            !group.ssrcs.is_empty() && group.ssrcs.iter().all(|ssrc| of(kind).any(|source| source.ssrc == *ssrc))
        };
        let groups = all.groups.iter().filter(move |group| group.kind == kind).filter(ours);
        groups.map(write_group).collect::<Vec<_>>()
    };
    let mut lists = vec![sources(Kind::Video), groups(Kind::Video), sources(Kind::Audio)];
    let last = groups(Kind::Audio);
    if !last.is_empty() {
        lists.push(last);
    }
    json!(lists)
}

fn write_source(source: &Source) -> Value {
    let mut object = Map::new();
    object.insert("s".into(), source.ssrc.into());
    if let Some(name) = &source.name {
        object.insert("n".into(), name.as_str().into());
    }
    if let Some(msid) = &source.msid {
        object.insert("m".into(), msid.reveal().as_str().into());
    }
    if source.shows == Some(VideoType::Desktop) {
        object.insert("v".into(), "d".into());
    }
    Value::Object(object)
}

fn write_group(group: &Group) -> Value {
    let semantics = match group.semantics {
        Semantics::FlowIdentification => "f",
        Semantics::Simulcast => "s",
        Semantics::Other => "o",
    };
    let mut list = vec![Value::from(semantics)];
    list.extend(group.ssrcs.iter().map(|ssrc| Value::from(*ssrc)));
    Value::Array(list)
}
