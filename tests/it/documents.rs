//! What the documents promise is there.

use crate::support::root;

fn text(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn the_readme_names_the_two_commands_and_its_picture_exists() {
    let readme = text("README.md");
    assert!(readme.contains("make demo") && readme.contains("make test"));
    for link in readme.split("](").skip(1).filter_map(|l| l.split(')').next()).filter(|l| !l.contains("://") && !l.starts_with('#')) {
        assert!(root().join(link.split('#').next().unwrap_or(link)).exists(), "README links to {link}");
    }
}

#[test]
fn the_format_names_every_word_of_the_language() {
    let format = text("docs/format.md");
    for transform in cohorte::transform::REGISTRY {
        assert!(format.contains(&format!("`{}", transform.key)) || format.contains(&format!("{}:", transform.key)), "docs/format.md says nothing of `{}`", transform.key);
    }
    for (word, _) in cohorte::config::schema::FieldType::ALL {
        assert!(format.contains(&format!("`{word}`")), "docs/format.md says nothing of the type `{word}`");
    }
}
