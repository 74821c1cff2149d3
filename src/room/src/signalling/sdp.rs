//! A session description (RFC 8866) as its lines: enough to read what media answers.

/// A description, cut at its m-lines.
pub struct Sdp<'a> {
    /// What holds for all of it.
    pub session: Section<'a>,
    /// From one `m=` to the next.
    pub media: Vec<Section<'a>>,
}

/// Some lines of a description.
#[derive(Clone, Default)]
pub struct Section<'a>(Vec<&'a str>);

impl<'a> Sdp<'a> {
    /// Cuts it. There is no text for which this fails; what is missing is found missing later.
    #[must_use]
    pub fn read(text: &'a str) -> Self {
        let mut sdp = Sdp { session: Section::default(), media: Vec::new() };
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.starts_with("m=") {
                sdp.media.push(Section::default());
            }
            sdp.media.last_mut().unwrap_or(&mut sdp.session).0.push(line);
        }
        sdp
    }

    /// The m-line with this mid (RFC 9143).
    #[must_use]
    pub fn line(&self, mid: &str) -> Option<&Section<'a>> {
        self.media.iter().find(|section| section.attribute("mid") == Some(mid))
    }

    /// An attribute of this m-line, or of the whole.
    #[must_use]
    pub fn attribute(&self, section: &Section<'a>, name: &str) -> Option<&'a str> {
        section.attribute(name).or_else(|| self.session.attribute(name))
    }
}

impl<'a> Section<'a> {
    /// The words of its `m=`: kind, port, protocol, formats.
    pub fn head(&self) -> impl Iterator<Item = &'a str> {
        let first = self.0.first().and_then(|line| line.strip_prefix("m="));
        first.into_iter().flat_map(|line| line.split(' '))
    }

    /// The value of the first `a=name:value`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes(name).next()
    }

    /// The values of every `a=name:value`.
    pub fn attributes(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
    }

    /// Whether there is an `a=name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|line| line.strip_prefix("a=") == Some(name))
    }

    /// All lines, `m=` first.
    #[must_use]
    pub fn lines(&self) -> &[&'a str] {
        &self.0
    }
}

/// The addresses of a description's candidates (RFC 8839, section 5.1).
pub fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=candidate:")?.split(' ').nth(4))
}
