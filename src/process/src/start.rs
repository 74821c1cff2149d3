//! The first lines of every `main`.

use std::io;
use std::panic;

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Nothing of this process is left on disk when it dies: no core dump, by limit and by attribute (P6). As a side
/// effect other processes of the same user can neither trace it nor read its memory or its `/proc/PID/fd`.
///
/// # Errors
/// When the kernel refuses.
pub fn leave_no_traces() -> io::Result<()> {
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// A panic prints its place and nothing else: its message may hold a name or an address (P9).
pub fn panic_without_words() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!("stopped by a fault at {place}");
    }));
}

/// Log lines on standard error: level, process, text. No time, the journal has it, and no line of any
/// other crate: only our own are known to hold no personal data (P9).
pub fn log(process: &'static str) {
    let ours = |metadata: &tracing::Metadata<'_>| metadata.target().starts_with("subrosa");
    let filter = tracing_subscriber::filter::filter_fn(move |metadata| {
        ours(metadata) && *metadata.level() <= tracing::Level::INFO
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .with_span_events(FmtSpan::NONE)
        .event_format(Line(process))
        .with_filter(filter);
    let _already_set_in_a_test = tracing_subscriber::registry().with(lines).try_init();
}

struct Line(&'static str);

impl<S, N> tracing_subscriber::fmt::FormatEvent<S, N> for Line
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    N: for<'a> tracing_subscriber::fmt::FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &tracing_subscriber::fmt::FmtContext<'_, S, N>,
        mut writer: tracing_subscriber::fmt::format::Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        write!(writer, "{:5} {}: ", event.metadata().level(), self.0)?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The exit status of a process whose board file or configuration cannot be used (`EX_CONFIG`, sysexits.h). Starting it
/// again changes nothing, and the units do not (`RestartPreventExitStatus=`).
pub const UNUSABLE_CONFIGURATION: u8 = 78;

/// Log, panics and traces as above. Every `main` calls it first.
///
/// # Errors
/// When the kernel refuses to forgo core dumps.
pub fn process(name: &'static str) -> io::Result<()> {
    log(name);
    panic_without_words();
    leave_no_traces()
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    const NAME: &str = "Rosa";

    #[test]
    fn p9_no_line_of_another_crate_is_logged() {
        let run = Command::new(env::current_exe().unwrap())
            .args(["--exact", "start::tests::others_speak", "--ignored", "--nocapture", "--test-threads=1"])
            .env("RUST_LOG", "trace")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(said.contains("INFO  test: a line of ours"), "the log says what it may: {said}");
        assert!(!said.contains(NAME), "{said}");
    }

    #[test]
    #[ignore = "run by the test above, in a process of its own"]
    fn others_speak() {
        super::log("test");
        tracing::info!("a line of ours");
        tracing::debug!("{NAME}: more than anybody asked for");
        tracing::error!(target: "rustls::server", "{NAME} has connected");
        tracing::warn!(target: "h2::codec", name = NAME, "a frame");
    }
}
