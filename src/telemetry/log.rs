//! The log: one line per event, for people or for machines, on standard error.
//!
//! A layer of our own rather than `tracing-subscriber`'s: what strangers wrote cannot move the cursor or forge a
//! line, every line of a request carries its id, and under load lines leave in batches.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    io::{IsTerminal, Write as _},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use prometheus_client::metrics::{counter::Counter, family::Family};
use tokio::sync::Notify;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{Targets, filter_fn},
    layer::Context,
    prelude::*,
};

use super::metrics::EventLabels;
use crate::{
    clock,
    config::{Log, LogFormat},
    protocol::text,
};

tokio::task_local! {
    /// The id of the request that is being answered, for every line that is logged meanwhile.
    pub static REQUEST_ID: String;
}

/// Log by these settings from now on. A second call changes nothing.
pub fn start(settings: &Log) {
    let is_terminal = std::io::stderr().is_terminal();
    let format = settings.format.unwrap_or(if is_terminal { LogFormat::Pretty } else { LogFormat::Json });
    // The settings let no level through that this cannot read.
    let everything = Targets::new().with_default(Level::INFO);
    let filter = format!("{QUIET},{}", settings.level).parse().unwrap_or(everything);
    let lines = Lines { format, has_colour: is_terminal, sink: SINK.get_or_init(Arc::default).clone() };
    // Counted whether or not they are written: who turns the log down keeps the alarms.
    let is_event = filter_fn(|metadata| metadata.fields().field(EVENT).is_some());
    drop(
        tracing_subscriber::registry().with(lines.with_filter(filter)).with(Counting.with_filter(is_event)).try_init(),
    );
}

/// What these say is said elsewhere with its cause, or (a cookie that has outlived its session) is no news.
const QUIET: &str = "tower_sessions=off,tower_sessions_core=off";

/// The field that names an event.
const EVENT: &str = "event";

/// Let lines leave in batches, until the future is dropped: whoever logs does not wait for the reader of the log.
pub async fn write_in_batches() {
    let sink = SINK.get_or_init(Arc::default).clone();
    let _until_dropped = Batching::begin(&sink);
    loop {
        sink.wake.notified().await;
        // Behind everything that is ready to run now, so that its lines come along.
        tokio::task::yield_now().await;
        sink.flush();
    }
}

/// What has been counted of events that have a name (`event = "…"`): replays, refused codes and the like.
pub(super) fn events() -> &'static Family<EventLabels, Counter> {
    static EVENTS: OnceLock<Family<EventLabels, Counter>> = OnceLock::new();
    EVENTS.get_or_init(Family::default)
}

static SINK: OnceLock<Arc<Sink>> = OnceLock::new();

/// Where lines go.
#[derive(Default)]
struct Sink {
    waiting: Mutex<Vec<u8>>,
    is_batching: AtomicBool,
    wake: Notify,
}

impl Sink {
    fn line(&self, line: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend_from_slice(line.as_bytes());
        // A reader that does not keep up slows the writers down rather than fill the memory.
        if !self.is_batching.load(Ordering::Relaxed) || waiting.len() > MOST_WAITING {
            Self::write(&mut waiting);
        } else if waiting.len() == line.len() {
            self.wake.notify_one();
        }
    }

    fn flush(&self) {
        // Taken out first: nobody has to wait for the reader but who writes.
        let mut lines = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        Self::write(&mut lines);
    }

    fn write(lines: &mut Vec<u8>) {
        // Where the log cannot be written, there is no place left to say so.
        drop(std::io::stderr().lock().write_all(lines));
        lines.clear();
    }
}

struct Batching(Arc<Sink>);

impl Batching {
    fn begin(sink: &Arc<Sink>) -> Self {
        sink.is_batching.store(true, Ordering::Relaxed);
        Self(sink.clone())
    }
}

impl Drop for Batching {
    fn drop(&mut self) {
        self.0.is_batching.store(false, Ordering::Relaxed);
        self.0.flush();
    }
}

const MOST_WAITING: usize = 256 * 1024;

struct Lines {
    format: LogFormat,
    has_colour: bool,
    sink: Arc<Sink>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        thread_local! {
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            let (seconds, millis) = clock::wall();
            let metadata = event.metadata();
            match self.format {
                LogFormat::Json => json(line, event, metadata.level(), (seconds, millis)),
                LogFormat::Pretty => pretty(line, event, metadata.level(), (seconds, millis), self.has_colour),
            }
            line.push('\n');
            self.sink.line(line);
        });
    }
}

/// Counts the events that have a name.
struct Counting;

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut name = EventName(None);
        event.record(&mut name);
        if let Some(event) = name.0 {
            events().get_or_create(&EventLabels { event }).inc();
        }
    }
}

/// Finds the name of an event that is to be counted. Names are written in the code, so that there are only so many.
struct EventName(Option<String>);

impl Visit for EventName {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == EVENT {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

fn json(line: &mut String, event: &Event<'_>, level: &Level, (seconds, millis): (i64, u32)) {
    line.push_str("{\"time\":\"");
    push_time(line, seconds, millis);
    line.push_str("\",\"level\":\"");
    line.push_str(level.as_str());
    line.push_str("\",\"target\":");
    push_json(line, event.metadata().target());
    let _ = REQUEST_ID.try_with(|id| {
        line.push_str(",\"request_id\":");
        push_json(line, id);
    });
    event.record(&mut JsonFields(line));
    line.push('}');
}

struct JsonFields<'a>(&'a mut String);

impl JsonFields<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push(',');
        push_json(self.0, field.name());
        self.0.push(':');
    }
}

impl Visit for JsonFields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        push_json(self.0, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field);
        let _ = write!(self.0, "{value}");
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        let _ = write!(self.0, "{value}");
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        // JSON knows no infinity.
        let _ = if value.is_finite() { write!(self.0, "{value}") } else { write!(self.0, "null") };
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        let _ = write!(self.0, "{value}");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        push_json(self.0, &format!("{value:?}"));
    }
}

fn push_json(line: &mut String, text: &str) {
    line.push('"');
    for c in text.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            c if text::is_active(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

fn pretty(line: &mut String, event: &Event<'_>, level: &Level, (seconds, millis): (i64, u32), has_colour: bool) {
    push_time(line, seconds, millis);
    let (on, off) = if has_colour { (colour(*level), "\u{1b}[0m") } else { ("", "") };
    let _ = write!(line, " {on}{level:>5}{off} ");
    let mut fields = PrettyFields { message: String::new(), rest: String::new() };
    event.record(&mut fields);
    push_printable(line, &fields.message);
    let _ = REQUEST_ID.try_with(|id| write!(line, " request_id={id}"));
    line.push_str(&fields.rest);
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        _ => "\u{1b}[2m",
    }
}

struct PrettyFields {
    message: String,
    rest: String,
}

impl Visit for PrettyFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.rest, " {}=", field.name());
        let is_plain = !value.is_empty() && !value.contains([' ', '"', '=']);
        if is_plain {
            push_printable(&mut self.rest, value);
        } else {
            // Quoted, so that no value looks like another field.
            push_printable(&mut self.rest, &format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            let _ = write!(self.rest, " {}=", field.name());
            push_printable(&mut self.rest, &format!("{value:?}"));
        }
    }
}

/// Text that may have come from a stranger: what would move the cursor, change the colour or turn the direction of a
/// terminal is shown, not obeyed.
pub fn push_printable(out: &mut String, text: &str) {
    for c in text.chars() {
        if text::is_active(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
}

/// RFC 3339, in UTC, to the millisecond.
fn push_time(line: &mut String, seconds: i64, millis: u32) {
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    let _ = write!(line, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Capture(Arc<Mutex<String>>, LogFormat);

    impl<S: Subscriber> Layer<S> for Capture {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut line = self.0.lock().unwrap();
            match self.1 {
                LogFormat::Json => json(&mut line, event, event.metadata().level(), (1_000_000_000, 7)),
                LogFormat::Pretty => pretty(&mut line, event, event.metadata().level(), (1_000_000_000, 7), false),
            }
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let capture = Capture(Arc::default(), format);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(capture.clone()), log);
        std::mem::take(&mut *capture.0.lock().unwrap())
    }

    #[test]
    fn a_line_of_json_is_json_whatever_a_stranger_wrote() {
        let nasty = "\"},\n{\u{1b}[31m\u{202e}\u{1f600}\\";
        let line = logged(LogFormat::Json, || tracing::warn!(status = 400, agent = nasty, ok = true, "it {}", nasty));
        assert!(!line.contains('\n') && !line.contains('\u{1b}') && !line.contains('\u{202e}'), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["agent"], nasty);
        assert_eq!(read["message"], format!("it {nasty}"));
        assert_eq!((read["status"].as_i64(), read["ok"].as_bool()), (Some(400), Some(true)));
        assert_eq!(read["time"], "2001-09-09T01:46:40.007Z");
        assert_eq!(read["level"], "WARN");
    }

    #[test]
    fn a_line_for_people_stays_one_line_and_moves_no_cursor() {
        let line =
            logged(LogFormat::Pretty, || tracing::info!(agent = "x\u{1b}[2J\nforged", status = 200, "answered\r"));
        assert_eq!(line, "2001-09-09T01:46:40.007Z  INFO answered\\u{d} agent=x\\u{1b}[2J\\u{a}forged status=200");
    }

    #[test]
    fn no_value_looks_like_another_field() {
        let line = logged(LogFormat::Pretty, || tracing::info!(client = "x\" user=\"admin\\\" ok=true", "refused"));
        assert!(line.ends_with(r#"INFO refused client="x\" user=\"admin\\\" ok=true""#), "{line}");
    }

    #[tokio::test]
    async fn every_line_of_a_request_carries_its_id() {
        let line = REQUEST_ID.scope("abc".to_owned(), async { logged(LogFormat::Json, || tracing::info!("x")) }).await;
        assert!(line.contains("\"request_id\":\"abc\""), "{line}");
    }
}
