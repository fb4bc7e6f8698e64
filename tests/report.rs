//! The page of a run, opened in a real browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halor::batch::{RunOptions, run};
use halor::config::{DemoDetector, demo_twin, load};
use halor::output::Existing;
use halor::report::write_report;

/// A browser without a window (`HALOR_CHROMIUM`, or what Debian calls it); `None`, with a line that says so, where there is none. With
/// `HALOR_REQUIRE_BROWSER=1` that is a failure.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("HALOR_CHROMIUM").map(PathBuf::from);
    let known = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let found = named.into_iter().chain(known).find(|program| {
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    assert!(
        found.is_some() || std::env::var_os("HALOR_REQUIRE_BROWSER").is_none(),
        "no Chromium and HALOR_REQUIRE_BROWSER is set"
    );
    if found.is_none() {
        eprintln!("skipped: no Chromium (set HALOR_CHROMIUM)");
    }
    found
}

/// What `probe.js` saw in the page at this width.
fn seen(browser: &Path, page: &str, folder: &Path, width: u32) -> serde_json::Value {
    let catch = "<script>window.pageErrors = []; addEventListener('error', (e) => pageErrors.push(String(e.message)));\
                 addEventListener('unhandledrejection', (e) => pageErrors.push(String(e.reason)));\
                 for (const kind of ['error', 'warn']) { const say = console[kind]; console[kind] = (...all) => \
                 { pageErrors.push(all.join(' ')); say(...all); }; }</script>";
    let probe = format!("<script>{}</script></body>", include_str!("report/probe.js"));
    let page = page.replacen("<head>", &format!("<head>{catch}"), 1);
    let end = page.rfind("</body>").unwrap();
    let copy = folder.join(format!("probe_{width}.html"));
    std::fs::write(&copy, format!("{}{probe}{}", &page[..end], &page[end + "</body>".len()..])).unwrap();
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"])
        .args(["--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("--window-size={width},1000"))
        .arg(format!("--user-data-dir={}", folder.join(format!("profile_{width}")).display()))
        .arg(format!("file://{}", copy.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let left = dom.rsplit_once("<pre id=\"seen\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (json, _) = left.unwrap_or_else(|| {
        panic!("the page did not get to its end: {}", String::from_utf8_lossy(&output.stderr))
    });
    serde_json::from_str(&json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

#[test]
fn the_page_of_a_run_works_in_a_browser() {
    let dir = tempfile::tempdir().unwrap();
    let twin = demo_twin(DemoDetector::Pilatus300k, dir.path(), &[]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    let calibrate = "geometry={calibrate: {frame: frames/ceo2/ceo2_0001.tif, calibrant: CeO2}}".to_owned();
    let loaded = load(written.run_files.last().unwrap(), &[calibrate]).unwrap();
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    let output = &loaded.config.output;
    let page = std::fs::read_to_string(output.join("report/index.html")).unwrap();
    // From the results alone the same page is made again.
    std::fs::remove_dir_all(output.join("report")).unwrap();
    assert_eq!(std::fs::read_to_string(write_report(output).unwrap()).unwrap(), page);
    // Nothing is fetched.
    let own = page.replace(
        &page[page.find("<script type=\"text/javascript\">").unwrap()..page.find("<script>\n").unwrap()],
        "",
    );
    assert!(
        !own.contains("http://") && !own.contains("https://") && !own.contains("src=\"h"),
        "a page that needs a network"
    );

    // What is left of the calibration stands on it, a point for each place on a ring.
    let name = "alt=\"calibration.svg\" src=\"data:image/svg+xml;base64,";
    let (_, picture) = page.split_once(name).expect("the calibration's picture is on the page");
    let picture = STANDARD.decode(picture.split_once('"').unwrap().0).unwrap();
    let points = loaded.config.calibrated.as_ref().unwrap().points.len();
    assert!(points > 50, "{points}");
    assert_eq!(String::from_utf8(picture).unwrap().matches("<circle ").count(), points);

    let Some(browser) = browser() else { return };
    let samples = result.curves.len();
    for width in [1400, 500] {
        let seen = seen(&browser, &page, dir.path(), width);
        assert_eq!(seen["errors"], serde_json::json!([]), "{width}: {seen}");
        assert_eq!(
            seen["figures"].as_u64().unwrap() as usize,
            page.matches("class=\"plot\"").count(),
            "{width}: {seen}"
        );
        assert!(seen["curves"].as_u64().unwrap() as usize > 8 * samples, "{width}: {seen}");
        assert_eq!(
            seen["pictures"].as_u64().unwrap() as usize,
            page.matches("class=\"picture\"").count(),
            "{width}: {seen}"
        );
        assert_eq!(seen["toggled"], 1, "{width}: {seen}");
        assert!(seen["hovered"].as_str().is_some_and(|text| text.contains("as-cast")), "{width}: {seen}");
        assert_eq!(seen["linked"], true, "{width}: {seen}");
        assert_eq!(seen["csv"][0], "curve,x,y,sigma", "{width}: {seen}");
        assert!(seen["overflow"].as_i64().unwrap() <= 0, "{width}: {seen}");
    }
}

#[test]
fn a_folder_without_a_finished_run_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = write_report(dir.path()).unwrap_err().to_string();
    assert!(error.contains("run.json") && error.contains("finished run"), "{error}");
    std::fs::write(dir.path().join("run.json"), "{}").unwrap();
    let error = write_report(dir.path()).unwrap_err().to_string();
    assert!(error.contains("run.json") && error.contains("missing field"), "{error}");
    assert!(!dir.path().join("report").exists());
}
