//! A report in a real browser: it loads in silence, asks nothing of the network, and its moving
//! parts move: by mouse, by keyboard, by a link, on paper.
//!
//! [`check_report`] takes the path of any report, so that the page of a real run goes through the
//! same test as the sample's. Where no Chromium is installed it says so and passes. [`check_access`]
//! asks axe-core for violations of WCAG, where its file is at hand.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headless_chrome::protocol::cdp::{Emulation, Network};
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::types::PrintToPdfOptions;
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
pub struct Opened {
    tab: Arc<Tab>,
    /// Console messages, log entries and exceptions; requests as `request URL`.
    heard: Arc<Mutex<Vec<String>>>,
    _browser: Browser,
    _profile: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// One browser at a time: several would wait for each other longer than they wait for a page.
static TURN: Mutex<()> = Mutex::new(());

impl Opened {
    fn new(chromium: PathBuf, url: &str) -> Self {
        Self::with(chromium, url, true)
    }

    /// With the page's script, or without.
    fn with(chromium: PathBuf, url: &str, script: bool) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let args = ["--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync", "--lang=en-US"];
        let options = LaunchOptions::default_builder()
            .path(Some(chromium))
            .sandbox(false)
            .window_size(Some((1280, 900)))
            .idle_browser_timeout(Duration::from_secs(300))
            .user_data_dir(Some(profile.path().to_owned()))
            .args(args.map(std::ffi::OsStr::new).to_vec())
            .build()
            .expect("launch options");
        // A busy machine may be too slow for the first page of a browser: it is asked again.
        let start = || Browser::new(options.clone()).and_then(|browser| Ok((browser.new_tab()?, browser)));
        let (tab, browser) = start().or_else(|_| start()).or_else(|_| start()).expect("Chromium starts");
        tab.set_default_timeout(Duration::from_secs(120));
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
        tab.call_method(Emulation::SetScriptExecutionDisabled { value: !script }).expect("script on or off");
        tab.navigate_to(url).and_then(|tab| tab.wait_until_navigated()).expect("the page loads");
        Self { tab, heard, _browser: browser, _profile: profile, _turn: turn }
    }

    /// The value of a JavaScript expression, as text.
    fn eval(&self, expression: &str) -> String {
        let value = self.tab.evaluate(&format!("(async () => String({expression}))()"), true).expect(expression).value;
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

    fn press(&self, key: &str) {
        self.tab.press_key(key).unwrap_or_else(|e| panic!("{key}: {e}"));
    }

    /// A new value of a form's field, as the reader's choice.
    fn change(&self, selector: &str, value: &str) {
        self.eval(&format!(
            "(f => {{ f.value = {value:?}; f.dispatchEvent(new Event('input', {{bubbles: true}})); }})(document.querySelector({selector:?}))"
        ));
    }

    fn click(&self, selector: &str) {
        self.tab
            .find_element(selector)
            .and_then(|e| e.click().map(|_| ()))
            .unwrap_or_else(|e| panic!("{selector}: {e}"));
    }
}

/// A report's address.
fn address(report: &Path) -> String {
    format!("file://{}", report.canonicalize().expect("the report exists").display())
}

/// Opens a report and uses it. Panics with what is wrong; returns whether a browser was there.
pub fn check_report(report: &Path) -> bool {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no Chromium found (apt-get install chromium, or set CHROMIUM to its path)");
        return false;
    };
    let url = address(report);
    let page = Opened::new(chromium.clone(), &url);
    for (_, part) in PARTS {
        part(&page);
    }
    silence(&page, &url);
    drop(page);
    without_script(&Opened::with(chromium, &url, false));
    true
}

/// A name, and what is done in the page.
type Part = (&'static str, fn(&Opened));

/// What a reader does with a page, one after the other.
const PARTS: [Part; 7] = [
    ("complete", complete),
    ("language", language),
    ("matrix", matrix),
    ("rules", rules),
    ("sorting", sorting),
    ("links", links),
    ("paper", paper),
];

/// One part of [`check_report`] alone, or its silence.
pub fn check_part(report: &Path, name: &str) {
    let url = address(report);
    let page = Opened::new(chromium().expect("Chromium"), &url);
    match PARTS.iter().find(|(part, _)| *part == name) {
        Some((_, part)) => part(&page),
        None => silence(&page, &url),
    }
}

fn complete(page: &Opened) {
    for section in ["verdict", "rows", "variables", "rules"] {
        let found = page.eval(&format!("document.querySelectorAll('main > section#{section}').length"));
        assert_eq!(found, "1", "{section}");
    }
    assert_eq!(
        page.eval("[...document.querySelectorAll('.top nav a')].map(a => a.hash.slice(1)).join()"),
        page.eval("[...document.querySelectorAll('main > section')].map(s => s.id).join()"),
        "the header names every section"
    );
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
        page.eval("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1).split('&')[0]).filter(id => !document.getElementById(id)).join()"),
        "",
        "links within the page lead somewhere"
    );
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth"),
        "true",
        "nothing sticks out at the side"
    );
}

fn language(page: &Opened) {
    let verdict = "document.querySelector('h1').innerText";
    let english = page.eval(verdict);
    page.click("[data-set-lang=fr]");
    page.until("document.documentElement.lang === 'fr'");
    let french = page.eval(verdict);
    assert!(english != french && french.contains("livraison"), "{english} / {french}");
    assert!(page.eval("location.hash").contains("lang=fr"));
    assert!(page.eval("document.title").contains("qualité"));
    assert_eq!(page.eval("document.querySelector('#filters [value=conformance]').textContent"), "Conformité");
    page.click("a[href='#rules']");
    page.until("location.hash === '#rules&lang=fr'");
    page.click("[data-set-lang=en]");
    page.until("document.documentElement.lang === 'en'");
    assert_eq!(page.eval(verdict), english);
    assert_eq!(page.eval("document.querySelector('#filters [value=conformance]').textContent"), "Conformance");
}

/// A cell of the matrix, by mouse and by keyboard.
fn matrix(page: &Opened) {
    const OPEN: &str = "document.getElementById('panel').classList.contains('open')";
    const SHUT: &str = "!document.getElementById('panel').classList.contains('open')";
    const BODY: &str = "document.getElementById('panel-body').innerText";
    let resting = page.eval(BODY);
    page.click("table.matrix td button[data-n]");
    page.until(OPEN);
    assert_ne!(page.eval(BODY), resting);
    let cell = page.eval("document.querySelector('.matrix [aria-expanded]').parentElement.id");
    assert_eq!(page.eval("location.hash"), format!("#{cell}"), "an open cell is in the address");
    assert_eq!(page.eval("document.activeElement.id"), "panel-title", "who listens is told what opened");
    assert!(!page.eval(BODY).contains('{'), "every place of a sentence is filled");
    page.press("Escape");
    page.until(SHUT);
    assert_eq!(page.eval("document.activeElement.parentElement.id"), cell, "the focus goes back");

    page.press("Home");
    page.until("document.activeElement.classList.contains('var')");
    page.press("ArrowRight");
    page.until("document.activeElement.closest('td')?.cellIndex === 1");
    let row: u32 = page.eval("document.activeElement.closest('tr').rowIndex").parse().expect("a number");
    page.press("ArrowDown");
    page.until(&format!("document.activeElement.closest('tr').rowIndex === {}", row + 1));
    page.press("Enter");
    page.until(OPEN);
    assert_eq!(
        page.eval("document.querySelectorAll('.matrix:first-of-type button[tabindex=\"0\"]').length"),
        page.eval("document.querySelectorAll('table.matrix').length"),
        "a table is one stop for the tab key"
    );
    page.press("Escape");
    page.until(SHUT);

    // The search for a variable.
    let wanted = page.eval("document.querySelector('.matrix tbody tr:last-child code').textContent");
    page.click("#finder input");
    page.tab.type_str(&wanted).expect("keys");
    page.until("[...document.querySelectorAll('.matrix tbody tr')].some(row => row.hidden)");
    assert!(page.eval("document.querySelector('.matrix tbody tr:not([hidden])').innerText").contains(&wanted));
    page.eval("document.querySelector('#finder input').value = ''");
    page.change("#finder input", "");
    page.until("![...document.querySelectorAll('.matrix tbody tr')].some(row => row.hidden)");
}

/// Rules that are found and filtered; what is chosen is in the address.
fn rules(page: &Opened) {
    const SHOWN: &str = "[...document.querySelectorAll('#rules [data-s]')].filter(r => !r.hidden)";
    let all = page.eval(&format!("{SHOWN}.length"));
    let status = page.eval("document.querySelector('#rules [data-w]').dataset.w");
    page.change("#filters [name=status]", &status);
    assert_ne!(page.eval(&format!("{SHOWN}.length")), "0");
    assert_eq!(page.eval(&format!("{SHOWN}.every(r => r.dataset.w === '{status}')")), "true", "one status");
    assert!(page.eval("location.hash").contains(&format!("status={status}")));
    assert!(page.eval("document.querySelector('#filters [role=status]').textContent").contains(&all));
    page.click("#filters button");
    page.until(&format!("{SHOWN}.length === {all}"));

    // The site where the first rule was judged; its letter is the rule's status there.
    let site = page.eval("[...document.querySelector('#filters [name=site]').options].pop().value");
    page.change("#filters [name=site]", &site);
    assert_eq!(page.eval(&format!("{SHOWN}.every(r => r.dataset.s.at(-1) !== '-')")), "true", "rules of one site");
    page.click("#filters button");

    let name = page.eval("document.querySelector('#rules .fold [data-s] code').textContent.split(' ').pop()");
    page.click("#filters [name=q]");
    page.tab.type_str(&name.to_uppercase()).expect("keys");
    page.until(&format!("{SHOWN}.length < {all} && {SHOWN}.length > 0"));
    assert_eq!(page.eval(&format!("{SHOWN}.some(r => r.closest('details').open)")), "true", "what is found is unfolded");
    assert!(page.eval("location.hash").contains("q="));
    page.click("#filters button");
    page.until(&format!("{SHOWN}.length === {all} && !location.hash.includes('q=')"));
}

fn sorting(page: &Opened) {
    let cells = "[...document.querySelectorAll('.accounts tbody tr')].map(r => Number((r.cells[r.cells.length - 7].querySelector('bdi')?.english ?? r.cells[r.cells.length - 7].firstChild.textContent).replaceAll(',', '')))";
    for (order, sign) in [("descending", -1), ("ascending", 1)] {
        page.click(".accounts thead .n .sort");
        page.until(&format!("document.querySelector('.accounts thead .n').getAttribute('aria-sort') === '{order}'"));
        let sorted = format!("{cells}.every((n, i, all) => i === 0 || {sign} * (n - all[i - 1]) >= 0)");
        assert_eq!(page.eval(&sorted), "true", "{order}: {}", page.eval(cells));
    }
}

/// Links into what is folded, and to a cell; a link carries filters and language.
fn links(page: &Opened) {
    let folded = page.eval("document.querySelector('#rules .fold [data-s]').id");
    page.eval(&format!("document.getElementById('{folded}').closest('details').open = false"));
    page.eval(&format!("location.hash = '{folded}'"));
    page.until(&format!("document.getElementById('{folded}').closest('details').open"));
    page.until(&format!("(({{top, bottom}}) => bottom > 0 && top < innerHeight)(document.getElementById('{folded}').getBoundingClientRect())"));
    let cell = page.eval("document.querySelector('table.matrix td button').parentElement.id");
    page.eval(&format!("location.hash = '{cell}&severity=warning&lang=fr'"));
    page.until("document.getElementById('panel').classList.contains('open')");
    assert_eq!(page.eval("document.documentElement.lang"), "fr");
    assert_eq!(page.eval("document.querySelector('#filters [name=severity]').value"), "warning");
    // A rule that the filter hides is asked for: the filter goes.
    let error = page.eval("document.querySelector('#rules [data-sev=error]').id");
    page.eval(&format!("location.hash = '{error}'"));
    page.until(&format!("!document.getElementById('{error}').hidden"));
    page.press("Escape");
    page.click("[data-set-lang=en]");
}

/// A4 pages, with the rules open on them and closed again on the screen.
fn paper(page: &Opened) {
    page.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(page.eval("document.querySelectorAll('.category > details:not([open])').length"), "0");
    page.eval("dispatchEvent(new Event('afterprint'))");
    assert_ne!(page.eval("document.querySelectorAll('.category > details:not([open])').length"), "0");
    let options = PrintToPdfOptions { prefer_css_page_size: Some(true), print_background: Some(true), ..Default::default() };
    let pdf = page.tab.print_to_pdf(Some(options)).expect("a PDF");
    let text = String::from_utf8_lossy(&pdf);
    let pages = text.matches("/Type /Page\n").count();
    assert!(pages >= 4, "{pages} pages");
    assert!(text.contains("/MediaBox [0 0 594.9"), "A4");
}

fn silence(page: &Opened, url: &str) {
    std::thread::sleep(Duration::from_millis(200));
    let heard = page.heard.lock().expect("no listener panics");
    let (requests, rest): (Vec<&String>, Vec<&String>) =
        heard.iter().partition(|h| h.strip_prefix("request ").is_some_and(|u| !u.starts_with("data:")));
    let rest: Vec<&&String> = rest.iter().filter(|h| !h.starts_with("request data:,")).collect();
    assert!(rest.is_empty(), "the page is silent: {rest:#?}");
    assert_eq!(requests, [&format!("request {url}")], "one request, for the file itself");
}

/// In English, without controls that would do nothing.
fn without_script(page: &Opened) {
    let shown = page.eval("document.querySelector('h1').innerText");
    assert!(shown.contains("delivery") && !shown.contains("livraison"), "{shown}");
    assert_eq!(page.eval("[...document.querySelectorAll('form, .langs, .sort')].filter(e => e.offsetHeight).length"), "0");
}

/// axe-core: `$AXE`, or where `make axe` puts it.
fn axe() -> Option<String> {
    let named = std::env::var_os("AXE").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/axe/axe.min.js");
    std::fs::read_to_string(named.unwrap_or(usual)).ok()
}

/// No violation that axe-core knows of, in both languages, light and dark, with a cell and rules open. Panics with what is
/// wrong; returns whether browser and axe were there.
pub fn check_access(report: &Path) -> bool {
    let (Some(chromium), Some(axe)) = (chromium(), axe()) else {
        eprintln!("skipped: no Chromium or no axe-core found (make axe, or set AXE to the path of axe.min.js)");
        return false;
    };
    for scheme in ["light", "dark"] {
        for lang in ["en", "fr"] {
            let page = Opened::new(chromium.clone(), &format!("{}#verdict&lang={lang}", address(report)));
            let feature = Emulation::MediaFeature { name: "prefers-color-scheme".into(), value: scheme.into() };
            let media = Emulation::SetEmulatedMedia { media: None, features: Some(vec![feature]) };
            page.tab.call_method(media).expect("a colour scheme");
            page.eval("[...document.querySelectorAll('details')].filter((d, i) => i % 4 === 0).forEach(d => { d.open = true; })");
            page.click("table.matrix td button");
            page.until("document.getElementById('panel').classList.contains('open')");
            page.tab.evaluate(&axe, false).expect("axe loads");
            let found = page.eval(
                "await axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => `${v.id} (${v.nodes.length}): ${v.nodes[0].html}`).join('\\n'))",
            );
            assert_eq!(found, "", "{scheme}, {lang}");
        }
    }
    true
}
