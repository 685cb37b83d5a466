//! The workspace's own files, as the tests over them read them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the workspace.
pub(crate) struct File {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All text files whose path ends so, in order; what is built or made by running is left out.
pub(crate) fn files(ending: &str) -> Vec<File> {
    let (root, mut found, mut later) = (root(), Vec::new(), vec![root()]);
    while let Some(dir) = later.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            if path.is_dir() {
                let made =
                    name == "target" || name == "kelisim-demo" || name.starts_with('.') && name != ".ci";
                if !made {
                    later.push(path);
                }
            } else if name.ends_with(ending)
                && name != ".git"
                && let Ok(text) = fs::read_to_string(&path)
            {
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
