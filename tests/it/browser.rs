//! A report in a real browser: it loads in silence, asks nothing of the network, and its few moving
//! parts move.
//!
//! [`check_report`] takes the path of any report, so that the page of a real run goes through the
//! same test as the sample's. Where no Chromium is installed it says so and passes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use headless_chrome::protocol::cdp::Network;
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::{Browser, LaunchOptions, Tab};

/// Chromium: `$CHROMIUM`, or the first of its usual names on the path.
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|file| file.is_file())
}

/// A page in a browser of its own, and everything it said or asked for.
struct Opened {
    tab: Arc<Tab>,
    /// Console messages, log entries and exceptions; requests as `request URL`.
    heard: Arc<Mutex<Vec<String>>>,
    _browser: Browser,
    _profile: tempfile::TempDir,
}

impl Opened {
    fn new(chromium: PathBuf, url: &str) -> Self {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let args = ["--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync", "--lang=en-US"];
        let options = LaunchOptions::default_builder()
            .path(Some(chromium))
            .sandbox(false)
            .window_size(Some((1280, 900)))
            .user_data_dir(Some(profile.path().to_owned()))
            .args(args.map(std::ffi::OsStr::new).to_vec())
            .build()
            .expect("launch options");
        let browser = Browser::new(options).expect("Chromium starts");
        let tab = browser.new_tab().expect("a tab");
        tab.set_default_timeout(Duration::from_secs(30));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let said = match event {
                Event::RuntimeConsoleAPICalled(e) => format!("console {:?} {:?}", e.params.Type, e.params.args),
                Event::RuntimeExceptionThrown(e) => format!("exception {:?}", e.params.exception_details),
                Event::LogEntryAdded(e) => format!("log {:?} {}", e.params.entry.level, e.params.entry.text),
                Event::NetworkRequestWillBeSent(e) => format!("request {}", e.params.request.url),
                _ => return,
            };
            sink.lock().expect("no listener panics").push(said);
        }))
        .expect("a listener");
        tab.enable_log().and_then(|tab| tab.enable_runtime()).expect("log and runtime events");
        tab.call_method(Network::Enable {
            max_total_buffer_size: None,
            max_resource_buffer_size: None,
            max_post_data_size: None,
            report_direct_socket_traffic: None,
            enable_durable_messages: None,
        })
        .expect("network events");
        tab.navigate_to(url).and_then(|tab| tab.wait_until_navigated()).expect("the page loads");
        Self { tab, heard, _browser: browser, _profile: profile }
    }

    /// The value of a JavaScript expression, as text.
    fn eval(&self, expression: &str) -> String {
        let value = self.tab.evaluate(&format!("String({expression})"), true).expect(expression).value;
        value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_else(|| panic!("{expression} has no value"))
    }

    /// Waits until an expression is true.
    fn until(&self, expression: &str) {
        let start = Instant::now();
        while self.eval(expression) != "true" {
            assert!(start.elapsed() < Duration::from_secs(10), "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn click(&self, selector: &str) {
        self.tab
            .find_element(selector)
            .and_then(|e| e.click().map(|_| ()))
            .unwrap_or_else(|e| panic!("{selector}: {e}"));
    }
}

/// Opens a report and uses it. Panics with what is wrong; returns whether a browser was there.
pub fn check_report(report: &Path) -> bool {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no Chromium found (apt-get install chromium, or set CHROMIUM to its path)");
        return false;
    };
    let url = format!("file://{}", report.canonicalize().expect("the report exists").display());
    let page = Opened::new(chromium, &url);

    // Complete.
    for section in ["verdict", "rows", "variables", "rules", "unmapped", "distributions"] {
        assert_eq!(
            page.eval(&format!("document.querySelectorAll('main > section#{section}').length")),
            "1",
            "{section}"
        );
    }
    assert_eq!(page.eval("document.documentElement.lang"), "en");
    assert_eq!(page.eval("document.querySelectorAll('h1').length"), "1");
    assert_eq!(
        page.eval(
            "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i).join()"
        ),
        "",
        "ids are unique"
    );
    assert_eq!(
        page.eval("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1)).filter(id => !document.getElementById(id)).join()"),
        "",
        "links within the page lead somewhere"
    );
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth"),
        "true",
        "nothing sticks out at the side"
    );

    // Language.
    let verdict = "document.querySelector('h1').innerText";
    let english = page.eval(verdict);
    page.click("[data-set-lang=fr]");
    page.until("document.documentElement.lang === 'fr'");
    let french = page.eval(verdict);
    assert!(english != french && french.contains("livraison"), "{english} / {french}");
    assert!(page.eval("location.hash").contains("lang=fr"));
    assert!(page.eval("document.title").contains("qualité"));
    page.click("a[href='#rules']");
    page.until("location.hash === '#rules&lang=fr'");
    page.click("[data-set-lang=en]");
    page.until("document.documentElement.lang === 'en'");
    assert_eq!(page.eval(verdict), english);

    // A cell of the matrix, by mouse and by keyboard.
    let resting = page.eval("document.getElementById('panel-body').innerText");
    page.click("table.matrix td button.cell");
    page.until("document.getElementById('panel').classList.contains('open')");
    assert_ne!(page.eval("document.getElementById('panel-body').innerText"), resting);
    assert_eq!(page.eval("document.querySelector('.cell[aria-expanded]') !== null"), "true");
    page.tab.press_key("Escape").expect("a key");
    page.until("!document.getElementById('panel').classList.contains('open')");
    page.tab.press_key("ArrowLeft").expect("a key");
    page.until("document.activeElement.classList.contains('var')");
    page.tab.press_key("Enter").expect("a key");
    page.until("document.getElementById('panel').classList.contains('open')");

    // Rules open on paper.
    page.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(page.eval("document.querySelectorAll('.category > details:not([open])').length"), "0");
    page.eval("dispatchEvent(new Event('afterprint'))");

    // In silence.
    std::thread::sleep(Duration::from_millis(200));
    let heard = page.heard.lock().expect("no listener panics");
    let (requests, rest): (Vec<&String>, Vec<&String>) =
        heard.iter().partition(|h| h.strip_prefix("request ").is_some_and(|u| !u.starts_with("data:")));
    let rest: Vec<&&String> = rest.iter().filter(|h| !h.starts_with("request data:,")).collect();
    assert!(rest.is_empty(), "the page is silent: {rest:#?}");
    assert_eq!(requests, [&format!("request {url}")], "one request, for the file itself");
    true
}
