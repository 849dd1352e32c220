//! Plan goldens: what a small mapping lowers to, and that the plan can be cut into tasks.

use crate::support::{cohorte, root, told};

fn golden(name: &str, text: &str) {
    let path = root().join("tests/plans").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, text).expect("the golden");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; `make bless`", path.display()));
    assert!(text == wanted, "{name} differs; `make bless` and look at the difference\n{text}");
}

#[test]
fn golden_plans_of_the_small_mapping() {
    let project = crate::cli::small();
    for stage in ["resolved", "plan"] {
        let output = cohorte().current_dir(project.folder.path()).args(["explain", "pipeline.yaml", "--stage", stage]).output().expect("starts");
        let (code, text, err) = told(&output);
        assert_eq!(code, 0, "{err}");
        golden(&format!("small.{stage}.txt"), &text);
    }
}
