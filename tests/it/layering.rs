//! Data flows one way: a module uses only those to its right.

use std::path::Path;

use crate::support::root;

/// Later entries never use earlier ones; entries of one line may use each other.
const LAYERS: &[&[&str]] =
    &[&["query"], &["report", "compare", "testing", "profile"], &["guide", "disclosure"], &["execute"], &["plan"], &["check"], &["source", "transform", "rule", "shape"], &["function", "statistic"], &["config"], &["error"], &["diagnostic"]];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

fn sources(folder: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn modules_use_only_what_stands_before_them_in_the_flow() {
    let src = root().join("src");
    let mut files = vec![];
    sources(&src, &mut files);
    let mut wrong = vec![];
    let mut uses = 0;
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src");
        let own = relative.components().next().expect("a name").as_os_str().to_string_lossy().replace(".rs", "");
        let Some(own_layer) = layer(&own) else { continue };
        let text = std::fs::read_to_string(&file).expect("UTF-8");
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(used_layer) = layer(&used) else { continue };
                uses += 1;
                if used_layer < own_layer {
                    wrong.push(format!("{}:{}: {own} uses {used}", relative.display(), number + 1));
                }
            }
        }
    }
    assert!(uses > 50, "the test no longer finds the `crate::` paths");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_readable() {
    let mut files = vec![];
    sources(&root().join("src"), &mut files);
    let long: Vec<String> = files
        .iter()
        .filter_map(|f| {
            let lines = std::fs::read_to_string(f).expect("UTF-8").lines().count();
            (lines > 700).then(|| format!("{} has {lines} lines", f.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
